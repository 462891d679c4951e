-- Registers the command and the handlers, and enables the server.

if vim.g.loaded_supercargo then
  return
end
vim.g.loaded_supercargo = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify_once('supercargo requires Neovim 0.11', vim.log.levels.WARN)
  return
end

vim.lsp.handlers['supercargo/status'] = function(_, status, context)
  require('supercargo.status').update(context.client_id, status)
end

vim.lsp.config('supercargo', {
  handlers = {
    ['window/showDocument'] = function(...)
      return require('supercargo.show_document').handle(...)
    end,
  },
  on_exit = function(code, signal, client_id)
    require('supercargo.restart').on_exit(code, signal, client_id)
  end,
})

vim.api.nvim_create_autocmd('BufReadCmd', {
  group = vim.api.nvim_create_augroup('supercargo', {}),
  pattern = 'supercargo-why://*',
  callback = function(event)
    require('supercargo.why').read(event.buf)
  end,
})

vim.api.nvim_create_user_command('Supercargo', function(command)
  require('supercargo.command').run(command)
end, {
  nargs = '*',
  bang = true,
  desc = 'Run a subcommand of supercargo: check, fix, findings, explain, ..',
  complete = function(...)
    return require('supercargo.command').complete(...)
  end,
})

if vim.g.supercargo_enable ~= false then
  vim.lsp.enable('supercargo')
end
