--- The server's program, run for an answer or in a terminal.
local M = {}

---@return string
function M.path()
  local config = vim.lsp.config.supercargo
  local cmd = config and config.cmd
  return type(cmd) == 'table' and cmd[1] or 'supercargo'
end

---@return boolean
function M.found()
  return vim.fn.executable(M.path()) == 1
end

--- Whether this version of the program has a word such as `explain`.
---@param word string
---@return boolean
function M.has(word)
  local answer = vim.system({ M.path(), '--help' }, { text = true }):wait(5000)
  return (answer.stdout or ''):find('\n%s+' .. word .. '%s') ~= nil
end

--- The folder of the workspace that is in front.
---@return string
function M.folder()
  local gates = require('supercargo.gates').of(0)
  if gates[1] then
    return vim.uri_to_fname(gates[1].workspace)
  end
  return vim.fs.root(0, { 'Cargo.toml', '.git' }) or vim.fn.getcwd()
end

--- What a setting of the server means on the command line.
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

--- Runs the program in a terminal below.
---@param arguments string[]
---@param done fun(code: integer)?
function M.terminal(arguments, done)
  local command = vim.list_extend({ M.path() }, arguments)
  vim.cmd('botright 15new')
  vim.fn.jobstart(command, {
    term = true,
    cwd = M.folder(),
    on_exit = function(_, code)
      if done then
        done(code)
      end
    end,
  })
end

return M
