-- The story in Neovim. Prints each step as a line that starts with `@`, for neovim.mjs.
local LIMIT = (tonumber(vim.env.SUPERCARGO_EDITOR_LIMIT) or 60) * 1000
-- Cargo resolves and verifies quick fixes at a low priority.
local FIX_LIMIT = 4 * LIMIT
local REFRESH_LIMIT = 2000
local core = vim.env.STORY_CORE
local errors = vim.json.decode(vim.env.STORY_ERRORS)

local function print_record(record)
  io.stdout:write('\n@' .. vim.json.encode(record) .. '\n')
  io.stdout:flush()
end

--- Waits until `condition` returns something truthy, and returns that.
local function wait(what, condition, limit)
  local result, last_error
  local in_time = vim.wait(limit or LIMIT, function()
    local ok, value = pcall(condition)
    result, last_error = ok and value or nil, not ok and value or nil
    return result ~= nil and result ~= false
  end, 20)
  if not in_time then
    error(('%s: not within %d s%s'):format(what, (limit or LIMIT) / 1000, last_error and ': ' .. tostring(last_error) or ''), 2)
  end
  return result
end

--- Sends a request until `accepts`, a function of its result, returns something truthy, and returns that. Not for use in `wait`,
--- because Neovim does not nest waits.
local function request_until(what, method, buffer, parameters, accepts, limit)
  local deadline = vim.uv.now() + (limit or LIMIT)
  repeat
    local client = vim.lsp.get_clients({ name = 'supercargo' })[1]
    local response = client and client:request_sync(method, parameters(client), LIMIT, buffer)
    local accepted = response and response.result and accepts(response.result)
    if accepted then
      return accepted
    end
    vim.wait(20)
  until vim.uv.now() > deadline
  error(('%s: not within %d s'):format(what, (limit or LIMIT) / 1000), 2)
end

local function assert_equal(expected, actual, what)
  if not vim.deep_equal(expected, actual) then
    error(('%s: expected %s, got %s'):format(what, vim.inspect(expected), vim.inspect(actual)), 2)
  end
end

local function step(name, action)
  local start = vim.uv.now()
  local ok, result = xpcall(action, debug.traceback)
  if not ok then
    print_record({ name = name, failed = result })
    vim.cmd('cquit 1')
    error('step failed')
  end
  vim.uv.update_time()
  print_record({ name = name, seconds = (vim.uv.now() - start) / 1000, note = type(result) == 'string' and result or nil })
end

local function client()
  return vim.lsp.get_clients({ name = 'supercargo' })[1]
end

--- `line code` of each diagnostic of a severity, sorted.
local function findings(buffer, severity)
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

local function is_checked()
  local status = require('supercargo').statuses()[1]
  return status and status.state == 'exact'
end

local function cargo(...)
  local result = vim.system({ 'cargo', ... }, { cwd = core, text = true }):wait(LIMIT)
  assert(result.code == 0, result.stderr)
end

local manifest, policy

step('opens a nested manifest from the root of the repository', function()
  vim.cmd.edit(core .. '/Cargo.toml')
  manifest = vim.api.nvim_get_current_buf()
  local attached = wait('the server attached', function()
    return vim.lsp.get_clients({ bufnr = manifest, name = 'supercargo' })[1]
  end)
  assert_equal(vim.env.STORY_ROOT, attached.root_dir, 'the root')
end)

step('shows the findings on their lines', function()
  wait('the findings', function()
    return vim.deep_equal(findings(manifest), expected)
  end)
  wait('a complete check', is_checked)
  assert_equal(expected, findings(manifest), 'the errors')
  for _, one in ipairs(vim.diagnostic.get(manifest, { severity = vim.diagnostic.severity.ERROR })) do
    local text = vim.api.nvim_buf_get_text(manifest, one.lnum, one.col, one.end_lnum, one.end_col, {})[1]
    assert(text:match('^%d+%.%d+%.%d+$'), 'a finding is on the requirement, not on `' .. text .. '`')
  end
  return table.concat(expected, ', ')
end)

step('shows the hover of a dependency', function()
  local line = vim.fn.search('^time = ', 'n')
  vim.api.nvim_win_set_cursor(0, { line, 1 })
  local c = client()
  local response = c:request_sync('textDocument/hover', vim.lsp.util.make_position_params(0, c.offset_encoding), LIMIT, manifest)
  local text = response.result.contents.value
  assert(text:find('0%.3%.44') and text:find('RUSTSEC%-2026%-0009') and text:find('0%.3%.47'), text)
  -- The rendered text: Neovim hides the Markdown of code and links, but not backslashes.
  vim.lsp.buf.hover()
  local window = wait('the window', function()
    return vim.iter(vim.api.nvim_list_wins()):find(function(one)
      return vim.w[one]['textDocument/hover'] ~= nil
    end)
  end)
  local rendered = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true), '\n')
  assert(rendered:find('`Rfc2822` format', 1, true), rendered)
  assert(rendered:find('(see its changes (https://github.com/time-rs/time/pulls))', 1, true), rendered)
  assert(not rendered:find('\\', 1, true), rendered)
  vim.api.nvim_win_close(window, true)
end)

step('shows the dependency graph of a finding in a buffer, and as it is after an edit', function()
  local line = vim.fn.search('^time = ', 'n')
  vim.api.nvim_win_set_cursor(0, { line, 1 })
  local window = vim.api.nvim_get_current_win()
  vim.cmd('Supercargo why')
  local function text()
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\n')
  end
  wait('the graph', function()
    return vim.startswith(text(), 'time 0.3.44\n')
  end)
  local buffer = vim.api.nvim_get_current_buf()
  assert(text():find('── handshake_core 0.3.0 (^0.3', 1, true), text())
  assert_equal('nofile', vim.bo[buffer].buftype, 'the type of the buffer')
  -- Again in the same window.
  vim.api.nvim_set_current_win(window)
  vim.cmd('Supercargo why')
  wait('the same window', function()
    return vim.api.nvim_get_current_buf() == buffer
  end)
  local without_time = '# ' .. vim.api.nvim_buf_get_lines(manifest, line - 1, line, true)[1]
  local with_time = without_time:sub(3)
  vim.api.nvim_buf_set_lines(manifest, line - 1, line, true, { without_time })
  vim.cmd.edit()
  wait('the sentence', function()
    return text() == 'time 0.3.44 is not in the dependency graph'
  end)
  vim.api.nvim_buf_set_lines(manifest, line - 1, line, true, { with_time })
  vim.cmd.edit()
  wait('the graph', function()
    return vim.startswith(text(), 'time 0.3.44\n')
  end)
  vim.cmd.close()
  assert(not vim.api.nvim_buf_is_valid(buffer), 'the buffer is still there')
  vim.api.nvim_buf_call(manifest, function()
    vim.cmd('silent write')
  end)
  wait('the findings', function()
    return is_checked() and vim.deep_equal(findings(manifest), expected)
  end)
end)

step('shows the status in the statusline', function()
  local line = require('supercargo').status(manifest)
  assert(line:match('^supercargo: 4 errors'), line)
  assert(vim.api.nvim_eval_statusline(vim.o.statusline, {}).str:find('supercargo: 4 errors', 1, true))
  return line
end)

step('an unsaved edit of the policy changes the findings', function()
  local disk = vim.fn.readblob(core .. '/deny.toml')
  vim.cmd.edit(core .. '/deny.toml')
  policy = vim.api.nvim_get_current_buf()
  wait('the server attached', function()
    return vim.lsp.get_clients({ bufnr = policy, name = 'supercargo' })[1]
  end)
  assert_equal(1, #vim.lsp.get_clients({ name = 'supercargo' }), 'servers for the repository')
  local line = vim.fn.search('RUSTSEC-2024-0436', 'n')
  vim.api.nvim_buf_set_lines(policy, line, line, true, { '    "RUSTSEC-2026-0009",' })
  wait('the finding is gone', function()
    return vim.deep_equal(findings(manifest), without('RUSTSEC-2026-0009'))
  end)
  vim.cmd('silent undo')
  wait('the finding is back', function()
    return vim.deep_equal(findings(manifest), expected)
  end)
  assert(vim.fn.readblob(core .. '/deny.toml') == disk, 'the policy was written')
  vim.cmd.buffer(manifest)
end)

step('while the policy cannot be parsed, the statusline shows its line and the last counts', function()
  local complete = 'supercargo: 4 errors, 6 warnings'
  wait('the status before', function()
    return require('supercargo').status(manifest) == complete
  end)
  local texts = {}
  local listener = vim.api.nvim_create_autocmd('User', {
    pattern = 'SupercargoStatus',
    callback = function()
      table.insert(texts, require('supercargo').status(manifest))
    end,
  })
  local line = vim.api.nvim_buf_call(policy, function()
    return vim.fn.search('RUSTSEC-2024-0436', 'nw')
  end)
  vim.api.nvim_buf_set_lines(policy, line, line, true, { '    "RUST' })
  wait('the status', function()
    local status = require('supercargo').status(manifest)
    return status:find(('deny.toml at line %d'):format(line + 1), 1, true) and status:find('4 errors, 6 warnings', 1, true)
  end)
  wait('the finding', function()
    return vim.deep_equal(findings(policy), { ('%d supercargo::policy-syntax'):format(line + 1) })
  end)
  vim.api.nvim_buf_call(policy, function()
    vim.cmd('silent undo')
  end)
  wait('the status as it was', function()
    return require('supercargo').status(manifest) == complete
  end)
  vim.api.nvim_del_autocmd(listener)
  for _, text in ipairs(texts) do
    assert(not text:find('failed') and not text:find('no errors'), vim.inspect(texts))
  end
  assert_equal(false, vim.bo[policy].modified, 'the policy is modified')
  return texts[1]
end)

step('`cargo update` in a terminal updates the findings', function()
  cargo('update', '-p', 'time', '--precise', '0.3.47')
  wait('the finding is gone', function()
    return vim.deep_equal(findings(manifest), without('RUSTSEC-2026-0009'))
  end)
  cargo('update', '-p', 'time', '--precise', '0.3.44')
  wait('the finding is back', function()
    return vim.deep_equal(findings(manifest), expected)
  end)
end)

step('a killed server is restarted', function()
  local before = client().id
  -- Neovim has no API for the process of a server, so find the child process that runs its program.
  for _, pid in ipairs(vim.api.nvim_get_proc_children(vim.uv.os_getpid())) do
    if vim.uv.fs_readlink(('/proc/%d/exe'):format(pid)) == vim.uv.fs_realpath(vim.env.SUPERCARGO_TEST_SERVER) then
      vim.uv.kill(pid, 'sigkill')
    end
  end
  wait('a new server', function()
    local now = client()
    return now and now.id ~= before and now.initialized
  end)
  wait('a complete check', is_checked)
  wait('the findings', function()
    return vim.deep_equal(findings(manifest), expected)
  end)
  local line = vim.fn.search('^time = ', 'n') - 1
  local text = vim.api.nvim_buf_get_lines(manifest, line, line + 1, true)[1]
  vim.api.nvim_buf_set_lines(manifest, line, line + 1, true, { '# ' .. text })
  wait('an edit is checked', function()
    return vim.deep_equal(findings(manifest), without('RUSTSEC-2026-0009'))
  end)
  vim.cmd('silent undo')
  wait('the undo is checked', function()
    return vim.deep_equal(findings(manifest), expected)
  end)
  assert_equal(false, vim.bo[manifest].modified, 'the manifest is modified')
end)

step('does not attach to another TOML file', function()
  vim.cmd.edit(core .. '/pyproject.toml')
  local other = vim.api.nvim_get_current_buf()
  assert_equal('toml', vim.bo[other].filetype, 'the file type')
  vim.cmd.edit(core .. '/Cargo.lock')
  wait('the server attached to the lockfile', function()
    return #vim.lsp.get_clients({ bufnr = 0, name = 'supercargo' }) == 1
  end)
  assert_equal(0, #vim.lsp.get_clients({ bufnr = other, name = 'supercargo' }), 'servers')
  vim.cmd.buffer(manifest)
  vim.cmd.bwipeout(other)
end)

step('the command compares with a base, and stops that', function()
  local complete = 'supercargo: 4 errors, 6 warnings'
  vim.cmd('Supercargo base HEAD')
  wait('the comparison', function()
    return require('supercargo').status(manifest) == complete .. '; nothing new since HEAD'
  end)
  vim.cmd('Supercargo base')
  wait('no comparison', function()
    return require('supercargo').status(manifest) == complete
  end)
end)

step('the command completes its subcommands, and lists findings', function()
  local names = vim.fn.getcompletion('Supercargo ', 'cmdline')
  for _, name in ipairs({ 'check', 'fix', 'findings', 'explain', 'why', 'base', 'db', 'init', 'restart', 'log', 'status' }) do
    assert(vim.tbl_contains(names, name), name .. ' is not completed')
  end
  assert_equal({ 'status', 'update' }, vim.fn.getcompletion('Supercargo db ', 'cmdline'), 'completion')
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
  assert(text:find('running for ', 1, true), text)
  assert(text:find('cargo %d+%.') and text:find('git version'), text)
  assert(not text:find('ERROR', 1, true), text)
  vim.cmd.bwipeout()
  if not vim.api.nvim_buf_is_loaded(manifest) then
    vim.cmd.edit(core .. '/Cargo.toml')
  end
end)

step('a policy has completion, hover, definitions, symbols and lenses', function()
  vim.cmd.edit(core .. '/deny.toml')
  local function at_cursor(c)
    return vim.lsp.util.make_position_params(0, c.offset_encoding)
  end
  local function starts(all, prefix)
    return vim.iter(all):any(function(one)
      return vim.startswith(one, prefix)
    end)
  end
  --- The labels of the completion items at the cursor, with one that starts with `expected`.
  local function labels(expected)
    return request_until('the completion of ' .. expected, 'textDocument/completion', policy, at_cursor, function(list)
      local all = vim.tbl_map(function(item)
        return item.label
      end, list.items or list)
      return starts(all, expected) and all
    end)
  end
  local line = vim.fn.search('"Apache-2.0"', 'n')
  vim.api.nvim_buf_set_lines(policy, line, line, true, { '    "BSL",' })
  vim.api.nvim_win_set_cursor(0, { line + 1, 8 })
  local licenses = labels('BSL-1.0')
  vim.cmd('silent undo')
  line = vim.fn.search('^\\[bans\\]', 'n')
  vim.api.nvim_buf_set_lines(policy, line, line, true, { 'high', 'skip = ["time"]' })
  vim.api.nvim_win_set_cursor(0, { line + 1, 4 })
  labels('highlight')
  vim.api.nvim_win_set_cursor(0, { line + 2, 10 })
  request_until('the definition of `time`', 'textDocument/definition', policy, at_cursor, function(locations)
    return not vim.tbl_isempty(locations)
  end)
  vim.lsp.buf.definition()
  wait('the dependency `time`', function()
    return vim.api.nvim_get_current_buf() == manifest and vim.fn.line('.') == vim.fn.search('^time = ', 'nw')
  end)
  vim.cmd.buffer(policy)
  vim.cmd('silent undo')
  line = vim.fn.search('RUSTSEC-2023', 'nw')
  vim.api.nvim_win_set_cursor(0, { line, (vim.fn.getline(line):find('RUSTSEC-2023', 1, true)) })
  request_until('the hover of RUSTSEC-2023-0071', 'textDocument/hover', policy, at_cursor, function(hover)
    local text = hover.contents.value
    return text:find('RUSTSEC%-2023%-0071') and text:find('rsa', 1, true)
  end)
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
  -- A server that checks the workspace again has no lenses yet, so they are requested again.
  local refreshed
  local lenses = wait('the lenses', function()
    if not refreshed or vim.uv.now() - refreshed > REFRESH_LIMIT then
      refreshed = vim.uv.now()
      vim.lsp.codelens.refresh({ bufnr = policy })
    end
    local all = vim.tbl_map(function(lens)
      return lens.range.start.line + 1 .. ' ' .. lens.command.title
    end, vim.lsp.codelens.get(policy))
    return starts(all, '7 suppresses') and all
  end)
  assert_equal(false, vim.bo[policy].modified, 'the policy is modified')
  vim.cmd.buffer(manifest)
  return ('%d licenses, %d symbols, lenses: %s'):format(#licenses, #symbols, table.concat(lenses, '; '))
end)

if client().server_capabilities.codeActionProvider then
  local function code_action_params(diagnostics)
    return function(c)
      local parameters = vim.lsp.util.make_range_params(0, c.offset_encoding)
      parameters.context = { diagnostics = diagnostics, only = { 'quickfix' }, triggerKind = 1 }
      return parameters
    end
  end
  --- Applies the code action with this title at the cursor, without the menu.
  local function apply(title)
    vim.lsp.buf.code_action({
      apply = true,
      filter = function(action)
        return action.title == title
      end,
    })
  end

  step('the last quick fix ignores an advisory and selects the reason', function()
    local messages = {}
    local notify = vim.notify
    vim.notify = function(message, level)
      table.insert(messages, message)
      return notify(message, level)
    end
    local disk = vim.fn.readblob(core .. '/deny.toml')
    local line = vim.fn.search('^time = ', 'nw')
    vim.api.nvim_win_set_cursor(0, { line, 20 })
    local title = request_until('an ignore as the last action', 'textDocument/codeAction', manifest, code_action_params({}), function(actions)
      actions = vim.tbl_filter(function(action)
        return not action.disabled
      end, actions)
      local last = actions[#actions]
      return last and vim.startswith(last.title, 'ignore') and last.title
    end, FIX_LIMIT)
    apply(title)
    wait('the policy in the window', function()
      return vim.api.nvim_get_current_buf() == policy
    end)
    wait('the reason selected', function()
      return vim.fn.mode() == 's'
    end)
    local selection = vim.fn.getregion(vim.fn.getpos('v'), vim.fn.getpos('.'), { type = 'v' })
    assert(#selection == 1 and vim.startswith(selection[1], 'TODO: '), vim.inspect(selection))
    wait('the finding is ignored', function()
      return vim.deep_equal(findings(manifest), without('RUSTSEC-2026-0009'))
    end)
    vim.api.nvim_feedkeys('dates are ours' .. vim.keycode('<Esc>'), 'tx', false)
    assert(vim.api.nvim_get_current_line():find('reason = "dates are ours" }', 1, true), vim.api.nvim_get_current_line())
    vim.cmd('silent edit!')
    wait('the finding is back', function()
      return vim.deep_equal(findings(manifest), expected)
    end)
    assert(vim.fn.readblob(core .. '/deny.toml') == disk, 'the policy was written')
    vim.notify = notify
    assert_equal({}, messages, 'messages')
    vim.cmd.buffer(manifest)
    return title
  end)

  step('the first quick fix on each line fixes all errors, and all files are saved', function()
    vim.cmd.buffer(manifest)
    local applied = {}
    for _ = 1, #errors + 2 do
      local one = vim.diagnostic.get(manifest, { severity = vim.diagnostic.severity.ERROR })[1]
      if not one then
        break
      end
      vim.api.nvim_win_set_cursor(0, { one.lnum + 1, one.col })
      local key = ('%d %s'):format(one.lnum + 1, one.code)
      local function is_fixed()
        return not vim.tbl_contains(findings(manifest), key)
      end
      local parameters = code_action_params(vim.lsp.diagnostic.from({ one }))
      local title = request_until('a quick fix for ' .. key, 'textDocument/codeAction', manifest, parameters, function(actions)
        -- An earlier fix may have fixed this finding, too.
        if is_fixed() then
          return 'fixed'
        end
        -- Other findings may be on the same line.
        for _, action in ipairs(actions) do
          for _, diagnostic in ipairs(action.diagnostics or {}) do
            if not action.disabled and diagnostic.code == one.code then
              return action.title
            end
          end
        end
      end, FIX_LIMIT)
      if title ~= 'fixed' then
        table.insert(applied, title)
        apply(title)
        wait('the finding is fixed', is_fixed, FIX_LIMIT)
      end
    end
    wait('no errors', function()
      return #findings(manifest) == 0
    end)
    vim.cmd('silent wall')
    wait('the status without errors', function()
      local status = require('supercargo').status(manifest)
      return status ~= '' and not status:find('error', 1, true) or status:find('no errors', 1, true)
    end)
    return table.concat(applied, '; ')
  end)
else
  print_record({ name = 'quick fixes', skipped = 'the server offers no code actions' })
end

step('no server is left', function()
  local c = client()
  c:stop()
  wait('the server has ended', function()
    return c:is_stopped()
  end)
end)

vim.cmd('qall!')
