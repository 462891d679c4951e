--- The API for a user's configuration.
local M = {}

--- Sets `init_options` of the server; for plugin managers that call `setup`. The same as
--- `vim.lsp.config('supercargo', { init_options = settings })`.
---@param settings table?
function M.setup(settings)
  if settings and not vim.tbl_isempty(settings) then
    vim.lsp.config('supercargo', { init_options = settings })
  end
end

--- One line for a statusline, such as `supercargo: 4 errors`: the status of the buffer's workspace, else the worst of all
--- workspaces. Empty if there is none.
---@param bufnr integer?
---@return string
function M.status(bufnr)
  local status = require('supercargo.status').of_buffer(bufnr)
  return status and 'supercargo: ' .. status.text or ''
end

--- The parameters of the last `supercargo/status` of each workspace.
---@return table[]
function M.statuses()
  return require('supercargo.status').all()
end

return M
