--- Runs the `supercargo` program.
local M = {}

---@return string
function M.path()
  local config = vim.lsp.config.supercargo
  local cmd = config and config.cmd
  return type(cmd) == 'table' and cmd[1] or 'supercargo'
end

---@return boolean
function M.is_executable()
  return vim.fn.executable(M.path()) == 1
end

--- The folder of the buffer's workspace.
---@return string
function M.folder()
  local status = require('supercargo.status').of_buffer(0)
  if status then
    return vim.uri_to_fname(status.workspace)
  end
  return vim.fs.root(0, { 'Cargo.toml', '.git' }) or vim.fn.getcwd()
end

--- The command-line options for the user's settings.
---@return string[]
function M.options()
  local config = vim.lsp.config.supercargo or {}
  local settings = vim.tbl_extend('force', config.init_options or {}, (config.settings or {}).supercargo or {})
  local options = {}
  if settings.db then
    vim.list_extend(options, { '--db', settings.db })
  end
  if settings.offline then
    table.insert(options, '--offline')
  end
  if settings.workspace then
    table.insert(options, '--workspace')
  end
  return options
end

--- Runs the program in a terminal window at the bottom.
---@param arguments string[]
---@param on_exit fun(code: integer)?
function M.terminal(arguments, on_exit)
  local command = vim.list_extend({ M.path() }, arguments)
  vim.cmd('botright 15new')
  vim.fn.jobstart(command, {
    term = true,
    cwd = M.folder(),
    on_exit = function(_, code)
      if on_exit then
        on_exit(code)
      end
    end,
  })
end

return M
