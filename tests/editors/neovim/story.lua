-- The story in Neovim. Each line that begins with `@` is a step for the driver.
local LIMIT = (tonumber(vim.env.SUPERCARGO_EDITOR_LIMIT) or 60) * 1000
-- Quick fixes are proved by cargo, at a low priority.
local PROOF = 4 * LIMIT
local core = vim.env.STORY_CORE
local errors = vim.json.decode(vim.env.STORY_ERRORS)

local function tell(record)
  io.stdout:write('\n@' .. vim.json.encode(record) .. '\n')
  io.stdout:flush()
end

local function wait(what, look, limit)
  local found, last
  local ok = vim.wait(limit or LIMIT, function()
    local fine, answer = pcall(look)
    found, last = fine and answer or nil, not fine and answer or nil
    return found ~= nil and found ~= false
  end, 20)
  if not ok then
    error(('%s: not within %d s%s'):format(what, (limit or LIMIT) / 1000, last and ': ' .. tostring(last) or ''), 2)
  end
  return found
end

local function same(expected, found, what)
  if not vim.deep_equal(expected, found) then
    error(('%s: expected %s, found %s'):format(what, vim.inspect(expected), vim.inspect(found)), 2)
  end
end

local function step(name, action)
  local start = vim.uv.now()
  local ok, told = xpcall(action, debug.traceback)
  if not ok then
    tell({ name = name, failed = told })
    vim.cmd('cquit 1')
    error('ended')
  end
  vim.uv.update_time()
  tell({ name = name, seconds = (vim.uv.now() - start) / 1000, told = type(told) == 'string' and told or nil })
end

local function client()
  return vim.lsp.get_clients({ name = 'supercargo' })[1]
end

--- `line code` of every diagnostic of a severity, sorted.
local function shown(buffer, severity)
  local all = vim.tbl_map(function(one)
    return ('%d %s'):format(one.lnum + 1, one.code)
  end, vim.diagnostic.get(buffer, { severity = severity or vim.diagnostic.severity.ERROR }))
  table.sort(all)
  return all
end

local expected = vim.tbl_map(function(one)
  return ('%d %s'):format(one.line, one.code)
end, errors)
table.sort(expected)

local function without(code)
  return vim.tbl_filter(function(one)
    return not vim.endswith(one, code)
  end, expected)
end

local function exact()
  local gate = require('supercargo').gates()[1]
  return gate and gate.state == 'exact' and gate
end

local function cargo(...)
  local done = vim.system({ 'cargo', ... }, { cwd = core, text = true }):wait(LIMIT)
  assert(done.code == 0, done.stderr)
end

local manifest, policy

step('opens the nested manifest from the root of the repository', function()
  vim.cmd.edit(core .. '/Cargo.toml')
  manifest = vim.api.nvim_get_current_buf()
  local attached = wait('the server attached', function()
    return vim.lsp.get_clients({ bufnr = manifest, name = 'supercargo' })[1]
  end)
  same(vim.env.STORY_ROOT, attached.root_dir, 'the root')
end)

step('shows the findings on the lines that can mend them', function()
  wait('the findings', function()
    return vim.deep_equal(shown(manifest), expected)
  end)
  wait('an exact verdict', exact)
  same(expected, shown(manifest), 'the errors')
  for _, one in ipairs(vim.diagnostic.get(manifest, { severity = vim.diagnostic.severity.ERROR })) do
    local text = vim.api.nvim_buf_get_text(manifest, one.lnum, one.col, one.end_lnum, one.end_col, {})[1]
    assert(text:match('^%d+%.%d+%.%d+$'), 'a finding marks the requirement, not `' .. text .. '`')
  end
  return table.concat(expected, ', ')
end)

step('reads the hover of a dependency', function()
  local line = vim.fn.search('^time = ', 'n')
  vim.api.nvim_win_set_cursor(0, { line, 1 })
  local c = client()
  local answer = c:request_sync('textDocument/hover', vim.lsp.util.make_position_params(0, c.offset_encoding), LIMIT, manifest)
  local text = answer.result.contents.value
  assert(text:find('0%.3%.44') and text:find('RUSTSEC%-2026%-0009') and text:find('0%.3%.47'), text)
end)

step('tells the gate in the statusline', function()
  local line = require('supercargo').status(manifest)
  assert(line:match('^gate: 4 errors'), line)
  assert(vim.api.nvim_eval_statusline(vim.o.statusline, {}).str:find('gate: 4 errors', 1, true))
  return line
end)

step('an unsaved edit of the policy changes findings', function()
  local disk = vim.fn.readblob(core .. '/deny.toml')
  vim.cmd.edit(core .. '/deny.toml')
  policy = vim.api.nvim_get_current_buf()
  wait('the server attached', function()
    return vim.lsp.get_clients({ bufnr = policy, name = 'supercargo' })[1]
  end)
  same(1, #vim.lsp.get_clients({ name = 'supercargo' }), 'servers for the repository')
  local line = vim.fn.search('RUSTSEC-2024-0436', 'n')
  vim.api.nvim_buf_set_lines(policy, line, line, true, { '    "RUSTSEC-2026-0009",' })
  wait('the finding is gone', function()
    return vim.deep_equal(shown(manifest), without('RUSTSEC-2026-0009'))
  end)
  vim.cmd('silent undo')
  wait('the finding is back', function()
    return vim.deep_equal(shown(manifest), expected)
  end)
  assert(vim.fn.readblob(core .. '/deny.toml') == disk, 'the policy was written')
  vim.cmd.buffer(manifest)
end)

step('`cargo update` in a terminal renews the findings', function()
  cargo('update', '-p', 'time', '--precise', '0.3.47')
  wait('the finding is gone', function()
    return vim.deep_equal(shown(manifest), without('RUSTSEC-2026-0009'))
  end)
  cargo('update', '-p', 'time', '--precise', '0.3.44')
  wait('the finding is back', function()
    return vim.deep_equal(shown(manifest), expected)
  end)
end)

step('a killed server is started again and recovers', function()
  local before = client().id
  -- Neovim does not tell the process of a server: it is the child that runs its program.
  for _, pid in ipairs(vim.api.nvim_get_proc_children(vim.uv.os_getpid())) do
    if vim.uv.fs_readlink(('/proc/%d/exe'):format(pid)) == vim.uv.fs_realpath(vim.env.SUPERCARGO_TEST_SERVER) then
      vim.uv.kill(pid, 'sigkill')
    end
  end
  wait('another server', function()
    local now = client()
    return now and now.id ~= before and now.initialized
  end)
  wait('an exact verdict', exact)
  wait('the findings', function()
    return vim.deep_equal(shown(manifest), expected)
  end)
  local line = vim.fn.search('^time = ', 'n') - 1
  local text = vim.api.nvim_buf_get_lines(manifest, line, line + 1, true)[1]
  vim.api.nvim_buf_set_lines(manifest, line, line + 1, true, { '# ' .. text })
  wait('an edit is judged', function()
    return vim.deep_equal(shown(manifest), without('RUSTSEC-2026-0009'))
  end)
  vim.cmd('silent undo')
  wait('and its undo', function()
    return vim.deep_equal(shown(manifest), expected)
  end)
  same(false, vim.bo[manifest].modified, 'the manifest is modified')
end)

step('attaches to no other TOML file', function()
  vim.cmd.edit(core .. '/pyproject.toml')
  local other = vim.api.nvim_get_current_buf()
  same('toml', vim.bo[other].filetype, 'the file type')
  vim.cmd.edit(core .. '/Cargo.lock')
  wait('the lock file is known', function()
    return #vim.lsp.get_clients({ bufnr = 0, name = 'supercargo' }) == 1
  end)
  same(0, #vim.lsp.get_clients({ bufnr = other, name = 'supercargo' }), 'servers')
  vim.cmd.buffer(manifest)
  vim.cmd.bwipeout(other)
end)

step('the command completes, and tells findings and status', function()
  local names = vim.fn.getcompletion('Supercargo ', 'cmdline')
  for _, name in ipairs({ 'check', 'fix', 'findings', 'explain', 'why', 'db', 'init', 'restart', 'log', 'status' }) do
    assert(vim.tbl_contains(names, name), name .. ' is not offered')
  end
  same({ 'status', 'update' }, vim.fn.getcompletion('Supercargo db ', 'cmdline'), 'completion')
  vim.cmd('Supercargo findings')
  local lines = vim.tbl_map(function(one)
    return one.lnum
  end, vim.fn.getqflist())
  for _, one in ipairs(errors) do
    assert(vim.tbl_contains(lines, one.line), 'line ' .. one.line .. ' is not in the quickfix list')
  end
  vim.cmd.cclose()
  vim.cmd('Supercargo check')
  wait('the check', function()
    return vim.fn.getqflist({ title = 0 }).title == 'supercargo check' and #vim.fn.getqflist() >= #errors
  end)
  vim.cmd.cclose()
end)

step(':checkhealth supercargo', function()
  vim.cmd('checkhealth supercargo')
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\n')
  assert(text:find('supercargo %d+%.%d+%.%d+'), text)
  assert(text:find('runs for ', 1, true), text)
  assert(text:find('cargo %d+%.') and text:find('git version'), text)
  assert(not text:find('ERROR', 1, true), text)
  vim.cmd.bwipeout()
  if not vim.api.nvim_buf_is_loaded(manifest) then
    vim.cmd.edit(core .. '/Cargo.toml')
  end
end)

if client().server_capabilities.codeActionProvider then
  step('takes the first quick fix on each line until no error is left, and saves', function()
    vim.cmd.buffer(manifest)
    local taken = {}
    for _ = 1, #errors + 2 do
      local found = vim.diagnostic.get(manifest, { severity = vim.diagnostic.severity.ERROR })
      if #found == 0 then
        break
      end
      local one = found[1]
      vim.api.nvim_win_set_cursor(0, { one.lnum + 1, one.col })
      local c = client()
      local first
      local deadline = vim.uv.now() + PROOF
      local key = ('%d %s'):format(one.lnum + 1, one.code)
      local function is_shown()
        return vim.tbl_contains(shown(manifest), key)
      end
      -- An earlier fix may have mended it as well.
      while not first and is_shown() and vim.uv.now() < deadline do
        local parameters = vim.lsp.util.make_range_params(0, c.offset_encoding)
        parameters.context = { diagnostics = vim.lsp.diagnostic.from({ one }), only = { 'quickfix' }, triggerKind = 1 }
        -- Not from within a wait: those do not nest.
        local answer = c:request_sync('textDocument/codeAction', parameters, LIMIT, manifest)
        -- The first that mends this very finding: others may stand on the same line.
        for _, action in ipairs(answer and answer.result or {}) do
          for _, mended in ipairs(action.diagnostics or {}) do
            if not first and not action.disabled and mended.code == one.code then
              first = action.title
            end
          end
        end
      end
      assert(first or not is_shown(), 'no quick fix for ' .. key)
      if first then
        table.insert(taken, first)
        -- The user's own way, without the menu.
        vim.lsp.buf.code_action({
          apply = true,
          filter = function(action)
            return action.title == first
          end,
        })
        wait('the finding is gone', function()
          return not is_shown()
        end, PROOF)
      end
    end
    wait('no error is left', function()
      return #shown(manifest) == 0
    end)
    vim.cmd('silent wall')
    wait('the gate is clean', function()
      return require('supercargo').status(manifest):match('^gate: clean')
    end)
    return table.concat(taken, '; ')
  end)
else
  tell({ name = 'takes the first quick fix on each line until no error is left, and saves', skipped = 'the server offers no code actions' })
end

step('leaves no server behind', function()
  local c = client()
  c:stop()
  wait('the server ended', function()
    return c:is_stopped()
  end)
end)

vim.cmd('qall!')
