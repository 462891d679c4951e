---@brief
---
--- https://crates.io/crates/supercargo
---
--- The verdict of cargo-deny on the line of `Cargo.toml` that can mend it.
---
--- Install it with `cargo install supercargo`. It attaches to `Cargo.toml`, `Cargo.lock`, `deny.toml`, `.deny.toml` and their files
--- of exceptions, and to no other TOML file, so it stands beside a general TOML server.

local files = {
  ['Cargo.toml'] = true,
  ['Cargo.lock'] = true,
  ['deny.toml'] = true,
  ['.deny.toml'] = true,
  ['deny.exceptions.toml'] = true,
  ['.deny.exceptions.toml'] = true,
}

--- Where cargo keeps the sources of dependencies: what lies there is nobody's to mend.
---@param path string
---@return boolean
local function of_a_dependency(path)
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
  -- One server for a repository, however many workspaces it holds.
  root_dir = function(bufnr, on_dir)
    local path = vim.fs.normalize(vim.api.nvim_buf_get_name(bufnr))
    if not files[vim.fs.basename(path)] or vim.bo[bufnr].buftype ~= '' or of_a_dependency(path) then
      return
    end
    local folder = vim.fs.dirname(path)
    if vim.fs.basename(folder) == '.cargo' then
      folder = vim.fs.dirname(folder)
    end
    on_dir(vim.fs.root(bufnr, '.git') or folder)
  end,
}
