--- `:checkhealth supercargo`
local M = {}

---@param command string[]
---@return string? output `nil` where it failed
local function answer(command)
  local ok, running = pcall(vim.system, command, { text = true })
  local done = ok and running:wait(10000)
  if not done or done.code ~= 0 then
    return nil
  end
  return vim.trim(done.stdout)
end

---@param program string
---@param advice string[]
local function tool(program, advice)
  local version = answer({ program, '--version' })
  if version then
    vim.health.ok(version)
  else
    vim.health.error(('`%s` cannot be run'):format(program), advice)
  end
end

function M.check()
  vim.health.start('supercargo: the server')
  if vim.fn.has('nvim-0.11') == 0 then
    return vim.health.error('Neovim is older than 0.11')
  end
  local program = require('supercargo.program')
  local path = program.path()
  if not program.found() then
    return vim.health.error(('`%s` is not to be found'):format(path), {
      'Install it: `cargo install supercargo`, or `:MasonInstall supercargo`',
      "Or say where it is: `vim.lsp.config('supercargo', { cmd = { '/path/to/supercargo', 'lsp' } })`",
    })
  end
  local version = answer({ path, '--version' })
  if not version or not version:match('^supercargo ') then
    return vim.health.error(('`%s` does not run, or is another program'):format(path), {
      'Is it made for this machine? Run it in a shell.',
    })
  end
  vim.health.ok(('%s (%s)'):format(version, vim.fn.exepath(path)))

  local clients = vim.lsp.get_clients({ name = 'supercargo' })
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('supercargo') then
    vim.health.warn('the server is not enabled', { "`vim.lsp.enable('supercargo')`" })
  elseif #clients == 0 then
    vim.health.info('no server runs: it is started for `Cargo.toml`, `Cargo.lock`, `deny.toml` and `.deny.toml`')
  end
  for _, client in ipairs(clients) do
    vim.health.ok(('runs for %s, %d buffers'):format(client.root_dir or 'no folder', vim.tbl_count(client.attached_buffers)))
  end

  vim.health.start('supercargo: advisories')
  local database = answer({ path, 'db', '--path', program.folder(), 'status' })
  if database then
    vim.health.ok(database)
  else
    vim.health.warn('no advisory database can be read', { '`:Supercargo db update`' })
  end

  vim.health.start('supercargo: what it runs')
  local config = vim.lsp.config.supercargo
  tool(config.init_options and config.init_options.cargo or vim.env.CARGO or 'cargo', { 'Without cargo nothing can be resolved' })
  tool('git', { 'Without git no advisories can be fetched' })
end

return M
