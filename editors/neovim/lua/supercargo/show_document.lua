--- Selects the range that the server asks to show, so that typing replaces it.
local M = {}

--- Handles `window/showDocument`: Neovim's own handler only moves the cursor.
---@param err lsp.ResponseError?
---@param params lsp.ShowDocumentParams
---@param context lsp.HandlerContext
---@return any
function M.handle(err, params, context)
  local result = vim.lsp.handlers['window/showDocument'](err, params, context)
  local range, client = params.selection, vim.lsp.get_client_by_id(context.client_id)
  if range and client and params.takeFocus and type(result) == 'table' and result.success then
    -- The text may have changed in the meantime, so that the range is out of bounds.
    pcall(M.select, range, client.offset_encoding)
  end
  return result
end

---@param range lsp.Range
---@param encoding string
function M.select(range, encoding)
  local last = range['end']
  if vim.deep_equal(range.start, last) then
    return
  end
  local line = vim.api.nvim_buf_get_lines(0, last.line, last.line + 1, true)[1]
  local column = vim.str_byteindex(line, encoding, last.character, false)
  local select_mode = vim.fn.mode() == 'n' and 'gh' or vim.keycode('<Esc>') .. 'gh'
  vim.cmd.normal({ select_mode, bang = true })
  vim.api.nvim_win_set_cursor(0, { last.line + 1, column - 1 })
end

return M
