--- The gate of the workspaces that are open.
local M = {}

--- Settings of the server, for plugin managers that call this. The same as
--- `vim.lsp.config('supercargo', { init_options = settings })`.
---@param settings table?
function M.setup(settings)
  if settings and not vim.tbl_isempty(settings) then
    vim.lsp.config('supercargo', { init_options = settings })
  end
end

--- One line for a statusline: the gate of the buffer's workspace, else of all; empty where there is none.
---@param bufnr integer?
---@return string
function M.status(bufnr)
  return require('supercargo.gates').line(bufnr)
end

--- What the server has told of each gate, as `supercargo/status` says it.
---@return table[]
function M.gates()
  return require('supercargo.gates').all()
end

return M
