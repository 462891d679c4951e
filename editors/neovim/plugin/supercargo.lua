-- What Neovim runs at its start: the command, the status, the server for the files that it knows.

if vim.g.loaded_supercargo then
  return
end
vim.g.loaded_supercargo = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify_once('supercargo needs Neovim 0.11 or later', vim.log.levels.WARN)
  return
end

vim.lsp.handlers['supercargo/status'] = function(_, status, context)
  require('supercargo.gates').told(context.client_id, status)
end

vim.lsp.config('supercargo', {
  handlers = {
    ['window/showDocument'] = function(...)
      return require('supercargo.selection').show(...)
    end,
  },
  on_exit = function(code, signal, client_id)
    require('supercargo.recovery').ended(code, signal, client_id)
  end,
})

vim.api.nvim_create_user_command('Supercargo', function(command)
  require('supercargo.command').run(command)
end, {
  nargs = '*',
  bang = true,
  desc = 'The gate: check, fix, findings, explain, ..',
  complete = function(...)
    return require('supercargo.command').complete(...)
  end,
})

if vim.g.supercargo_enable ~= false then
  vim.lsp.enable('supercargo')
end
