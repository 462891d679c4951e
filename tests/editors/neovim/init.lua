-- The configuration of a user: the plugin in the runtimepath, and some settings.
vim.opt.runtimepath:prepend(vim.env.STORY_PLUGIN)
vim.o.swapfile = false
vim.o.shadafile = 'NONE'
vim.o.termguicolors = true
vim.o.laststatus = 2
vim.o.number = true
vim.o.winborder = 'rounded'
vim.o.statusline = " %f %m%=%{v:lua.require'supercargo'.status()}  %l:%c "
vim.lsp.config('supercargo', {
  cmd = { vim.env.SUPERCARGO_TEST_SERVER, 'lsp' },
  init_options = { db = vim.env.STORY_DB },
})
vim.diagnostic.config({ virtual_text = { spacing = 2 }, signs = true, underline = true, severity_sort = true })
