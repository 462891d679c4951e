--- What the server asks to be shown is selected, so that typing writes over it.
local M = {}

--- Answers `window/showDocument`: Neovim's own way puts the cursor there.
---@param err lsp.ResponseError?
---@param params lsp.ShowDocumentParams
---@param context lsp.HandlerContext
---@return any
function M.show(err, params, context)
  local answer = vim.lsp.handlers['window/showDocument'](err, params, context)
  local range, client = params.selection, vim.lsp.get_client_by_id(context.client_id)
  if range and client and params.takeFocus and type(answer) == 'table' and answer.success then
    -- Where the cursor is no longer there, something has come in between.
    pcall(M.select, range, client.offset_encoding)
  end
  return answer
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
  local before = vim.fn.mode() == 'n' and 'gh' or vim.keycode('<Esc>') .. 'gh'
  vim.cmd.normal({ before, bang = true })
  vim.api.nvim_win_set_cursor(0, { last.line + 1, column - 1 })
end

return M
