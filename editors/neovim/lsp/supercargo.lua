---@brief
---
--- https://crates.io/crates/supercargo
---
--- Shows cargo-deny findings in `Cargo.toml` and `deny.toml`, with verified fixes.
---
--- Install it with `cargo install supercargo`. It attaches to `Cargo.toml`, `Cargo.lock`, `deny.toml`, `.deny.toml` and the files
--- of exceptions only, so it works alongside a general TOML server.

local files = {
  ['Cargo.toml'] = true,
  ['Cargo.lock'] = true,
  ['deny.toml'] = true,
  ['.deny.toml'] = true,
  ['deny.exceptions.toml'] = true,
  ['.deny.exceptions.toml'] = true,
}

--- Whether the file is in a folder where cargo keeps the sources of dependencies, which the user does not edit.
---@param path string
---@return boolean
local function is_dependency_source(path)
  local home = vim.env.CARGO_HOME or vim.fs.joinpath(vim.uv.os_homedir(), '.cargo')
  for _, folder in ipairs({ 'registry', 'git' }) do
    if vim.startswith(path, vim.fs.normalize(vim.fs.joinpath(home, folder)) .. '/') then
      return true
    end
  end
  return false
end

---@type vim.lsp.Config
return {
  cmd = { 'supercargo', 'lsp' },
  filetypes = { 'toml' },
  -- One server handles all workspaces of a repository.
  root_dir = function(bufnr, on_dir)
    local path = vim.fs.normalize(vim.api.nvim_buf_get_name(bufnr))
    if not files[vim.fs.basename(path)] or vim.bo[bufnr].buftype ~= '' or is_dependency_source(path) then
      return
    end
    local folder = vim.fs.dirname(path)
    if vim.fs.basename(folder) == '.cargo' then
      folder = vim.fs.dirname(folder)
    end
    on_dir(vim.fs.root(bufnr, '.git') or folder)
  end,
}
