--- `:checkhealth supercargo`
local M = {}

---@param command string[]
---@return string? output `nil` if the command failed
local function output(command)
  local ok, process = pcall(vim.system, command, { text = true })
  local result = ok and process:wait(10000)
  if not result or result.code ~= 0 then
    return nil
  end
  return vim.trim(result.stdout)
end

---@param program string
---@param advice string[]
local function check_program(program, advice)
  local version = output({ program, '--version' })
  if version then
    vim.health.ok(version)
  else
    vim.health.error(('could not run `%s`'):format(program), advice)
  end
end

function M.check()
  vim.health.start('supercargo: server')
  if vim.fn.has('nvim-0.11') == 0 then
    return vim.health.error('Neovim is older than 0.11')
  end
  local program = require('supercargo.program')
  local path = program.path()
  if not program.is_executable() then
    return vim.health.error(('could not find `%s`'):format(path), {
      'Install it: `cargo install supercargo`, or `:MasonInstall supercargo`',
      "Or set its path: `vim.lsp.config('supercargo', { cmd = { '/path/to/supercargo', 'lsp' } })`",
    })
  end
  local version = output({ path, '--version' })
  if not version or not version:match('^supercargo ') then
    return vim.health.error(('could not run `%s`, or it is another program'):format(path), {
      ('Run `%s --version` in a shell'):format(path),
    })
  end
  vim.health.ok(('%s (%s)'):format(version, vim.fn.exepath(path)))

  local clients = vim.lsp.get_clients({ name = 'supercargo' })
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('supercargo') then
    vim.health.warn('the server is not enabled', { "`vim.lsp.enable('supercargo')`" })
  elseif #clients == 0 then
    vim.health.info('the server is not running; open a `Cargo.toml`, `Cargo.lock` or `deny.toml`')
  end
  for _, client in ipairs(clients) do
    vim.health.ok(('running for %s, %d buffers'):format(client.root_dir or 'no folder', vim.tbl_count(client.attached_buffers)))
  end

  vim.health.start('supercargo: advisory database')
  local database = output({ path, 'db', '--path', program.folder(), 'status' })
  if database then
    vim.health.ok(database)
  else
    vim.health.warn('could not read the advisory database', { '`:Supercargo db update`' })
  end

  vim.health.start('supercargo: other programs')
  local config = vim.lsp.config.supercargo
  local cargo = config.init_options and config.init_options.cargo or vim.env.CARGO or 'cargo'
  check_program(cargo, { 'Install cargo: it resolves the dependencies' })
  check_program('git', { 'Install git: it fetches the advisory database' })
end

return M
