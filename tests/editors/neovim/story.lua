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
  -- As it is seen: Neovim hides the marks of code and of links, and no backslash.
  vim.lsp.buf.hover()
  local window = wait('the window', function()
    return vim.iter(vim.api.nvim_list_wins()):find(function(one)
      return vim.w[one]['textDocument/hover'] ~= nil
    end)
  end)
  local seen = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true), '\n')
  assert(seen:find('`Rfc2822` format', 1, true), seen)
  assert(seen:find('(see its changes (https://github.com/time-rs/time/pulls))', 1, true), seen)
  assert(not seen:find('\\', 1, true), seen)
  vim.api.nvim_win_close(window, true)
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

step('a policy that is half typed leaves the counts in the statusline, and says where it is broken', function()
  local whole = 'gate: 4 errors, 6 warnings'
  wait('the status before', function()
    return require('supercargo').status(manifest) == whole
  end)
  local said = {}
  local listener = vim.api.nvim_create_autocmd('User', {
    pattern = 'SupercargoStatus',
    callback = function()
      table.insert(said, require('supercargo').status(manifest))
    end,
  })
  local line = vim.api.nvim_buf_call(policy, function()
    return vim.fn.search('RUSTSEC-2024-0436', 'nw')
  end)
  vim.api.nvim_buf_set_lines(policy, line, line, true, { '    "RUST' })
  wait('the status', function()
    return require('supercargo').status(manifest) == ('%s, deny.toml broken at line %d'):format(whole, line + 1)
  end)
  wait('the finding', function()
    return vim.deep_equal(shown(policy), { ('%d supercargo::policy-syntax'):format(line + 1) })
  end)
  vim.api.nvim_buf_call(policy, function()
    vim.cmd('silent undo')
  end)
  wait('the status as it was', function()
    return require('supercargo').status(manifest) == whole
  end)
  vim.api.nvim_del_autocmd(listener)
  for _, one in ipairs(said) do
    assert(not one:find('no verdict') and not one:find('clean'), vim.inspect(said))
  end
  same(false, vim.bo[policy].modified, 'the policy is modified')
  return said[1]
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

step('a policy is completed, explained, left for what it names, and told in symbols and lenses', function()
  vim.cmd.edit(core .. '/deny.toml')
  local c = client()
  local function after(words)
    local line = vim.fn.search('\\V' .. words, 'nw')
    local text = vim.fn.getline(line)
    local _, last = text:find(words, 1, true)
    vim.api.nvim_win_set_cursor(0, { line, last })
  end
  local function asked(method)
    local parameters = vim.lsp.util.make_position_params(0, c.offset_encoding)
    return c:request_sync(method, parameters, LIMIT, policy).result
  end
  local function labels()
    local list = asked('textDocument/completion')
    return vim.tbl_map(function(item)
      return item.label
    end, list.items or list)
  end
  local function starts(all, words)
    return vim.iter(all):any(function(one)
      return vim.startswith(one, words)
    end)
  end
  local line = vim.fn.search('"Apache-2.0"', 'n')
  vim.api.nvim_buf_set_lines(policy, line, line, true, { '    "BSL",' })
  vim.api.nvim_win_set_cursor(0, { line + 1, 8 })
  local licenses = labels()
  assert(starts(licenses, 'BSL-1.0'), vim.inspect(licenses))
  vim.cmd('silent undo')
  line = vim.fn.search('^\\[bans\\]', 'n')
  vim.api.nvim_buf_set_lines(policy, line, line, true, { 'high', 'skip = ["time"]' })
  vim.api.nvim_win_set_cursor(0, { line + 1, 4 })
  assert(starts(labels(), 'highlight'), 'no key')
  -- As `CTRL-]` does it: by the tag function that Neovim sets for the buffer.
  vim.api.nvim_win_set_cursor(0, { line + 2, 10 })
  vim.lsp.buf.definition()
  wait('the declaration of `time`', function()
    return vim.api.nvim_get_current_buf() == manifest and vim.fn.line('.') == vim.fn.search('^time = ', 'nw')
  end)
  vim.cmd.buffer(policy)
  vim.cmd('silent undo')
  after('RUSTSEC-2023')
  local text = asked('textDocument/hover').contents.value
  assert(text:find('RUSTSEC%-2023%-0071') and text:find('rsa', 1, true), text)
  vim.lsp.buf.document_symbol()
  local symbols = wait('the symbols', function()
    local list = vim.fn.getloclist(0, { title = 0, items = 0 })
    return list.title:find('Symbols') and #list.items > 0 and list.items
  end)
  symbols = vim.tbl_map(function(one)
    return one.text
  end, symbols)
  assert(vim.iter(symbols):any(function(one)
    return one:find('advisories', 1, true)
  end), vim.inspect(symbols))
  vim.cmd.lclose()
  vim.lsp.codelens.refresh({ bufnr = policy })
  local told = wait('the lenses', function()
    local all = vim.tbl_map(function(lens)
      return lens.range.start.line + 1 .. ' ' .. lens.command.title
    end, vim.lsp.codelens.get(policy))
    return starts(all, '7 suppresses') and all
  end)
  same(false, vim.bo[policy].modified, 'the policy is modified')
  vim.cmd.buffer(manifest)
  return ('%d licenses, %d symbols, lenses: %s'):format(#licenses, #symbols, table.concat(told, '; '))
end)

if client().server_capabilities.codeActionProvider then
  step('an ignore, the last of the quick fixes, shows its reason to be written over', function()
    local said = {}
    local notify = vim.notify
    vim.notify = function(text, level)
      table.insert(said, text)
      return notify(text, level)
    end
    local disk = vim.fn.readblob(core .. '/deny.toml')
    local line = vim.fn.search('^time = ', 'nw')
    vim.api.nvim_win_set_cursor(0, { line, 20 })
    local c = client()
    local title
    local deadline = vim.uv.now() + PROOF
    while not title and vim.uv.now() < deadline do
      local parameters = vim.lsp.util.make_range_params(0, c.offset_encoding)
      parameters.context = { diagnostics = {}, only = { 'quickfix' }, triggerKind = 1 }
      local answer = c:request_sync('textDocument/codeAction', parameters, LIMIT, manifest)
      local actions = vim.tbl_filter(function(action)
        return not action.disabled
      end, answer and answer.result or {})
      local last = actions[#actions]
      title = last and vim.startswith(last.title, 'ignore') and last.title or nil
    end
    assert(title, 'no ignore is offered')
    vim.lsp.buf.code_action({
      apply = true,
      filter = function(action)
        return action.title == title
      end,
    })
    wait('the policy in front', function()
      return vim.api.nvim_get_current_buf() == policy
    end)
    wait('its reason selected', function()
      return vim.fn.mode() == 's'
    end)
    local chosen = vim.fn.getregion(vim.fn.getpos('v'), vim.fn.getpos('.'), { type = 'v' })
    same({ 'TODO: why this is acceptable' }, chosen, 'the selection')
    wait('the finding is ignored', function()
      return vim.deep_equal(shown(manifest), without('RUSTSEC-2026-0009'))
    end)
    vim.api.nvim_feedkeys('dates are ours' .. vim.keycode('<Esc>'), 'tx', false)
    assert(vim.api.nvim_get_current_line():find('reason = "dates are ours" }', 1, true), vim.api.nvim_get_current_line())
    vim.cmd('silent edit!')
    wait('the finding is back', function()
      return vim.deep_equal(shown(manifest), expected)
    end)
    assert(vim.fn.readblob(core .. '/deny.toml') == disk, 'the policy was written')
    vim.notify = notify
    same({}, said, 'what was said')
    vim.cmd.buffer(manifest)
    return title
  end)

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
