--- `:Supercargo`
local program = require('supercargo.program')

local M = {}

---@param message string
---@param level integer?
local function notify(message, level)
  vim.notify('supercargo: ' .. message, level or vim.log.levels.INFO)
end

---@param record table a finding from `supercargo check --format json`
local function quickfix_item(record)
  local start = record.location.start
  return {
    filename = record.location.file,
    lnum = start.line,
    col = start.column,
    end_lnum = record.location['end'].line,
    end_col = record.location['end'].column,
    type = record.severity == 'error' and 'E' or 'W',
    text = ('%s [%s]'):format(record.message, record.advisory or record.code or record.check),
  }
end

---@class supercargo.Subcommand
---@field description string
---@field run fun(arguments: string[], bang: boolean)
---@field complete string[]?

---@type table<string, supercargo.Subcommand>
M.subcommands = {
  check = {
    description = 'check the saved files; findings go to the quickfix list',
    run = function()
      local command = { program.path(), 'check', program.folder(), '--format', 'json' }
      vim.list_extend(command, program.options())
      vim.system(command, { text = true }, function(result)
        vim.schedule(function()
          local items = {}
          for line in vim.gsplit(result.stdout or '', '\n', { trimempty = true }) do
            local ok, record = pcall(vim.json.decode, line, { luanil = { object = true } })
            local has_location = ok and record.type == 'finding' and record.location
            if has_location and (record.severity == 'error' or record.severity == 'warning') then
              table.insert(items, quickfix_item(record))
            end
          end
          vim.fn.setqflist({}, ' ', { title = 'supercargo check', items = items })
          if result.code == 0 then
            notify('no errors' .. (#items > 0 and (', %d warnings'):format(#items) or ''))
          elseif result.code >= 64 then
            notify('check failed: ' .. vim.trim(result.stderr or ''), vim.log.levels.ERROR)
          else
            notify(('%d findings (exit code %d)'):format(#items, result.code), vim.log.levels.WARN)
          end
          if #items > 0 then
            vim.cmd('botright copen')
          end
        end)
      end)
    end,
  },
  fix = {
    description = 'show what would change; with ! change the files',
    run = function(_, bang)
      local arguments = { 'fix', program.folder() }
      vim.list_extend(arguments, program.options())
      if not bang then
        table.insert(arguments, '--dry-run')
      elseif #vim.tbl_filter(function(buffer)
        return vim.bo[buffer].modified and vim.bo[buffer].buftype == '' and vim.bo[buffer].filetype == 'toml'
      end, vim.api.nvim_list_bufs()) > 0 then
        return notify('write the files first, because `fix` reads them from disk', vim.log.levels.WARN)
      end
      program.terminal(arguments, function()
        vim.cmd.checktime()
      end)
    end,
  },
  actions = {
    description = 'show the quick fixes at the cursor',
    run = function()
      vim.lsp.buf.code_action()
    end,
  },
  findings = {
    description = 'show the findings of all files in the quickfix list',
    run = function()
      local client = vim.lsp.get_clients({ name = 'supercargo' })[1]
      if not client then
        return notify('the server is not running', vim.log.levels.WARN)
      end
      local diagnostics = vim.diagnostic.get(nil, { namespace = vim.lsp.diagnostic.get_namespace(client.id) })
      -- Errors come first.
      table.sort(diagnostics, function(a, b)
        if a.severity ~= b.severity then
          return a.severity < b.severity
        elseif a.bufnr ~= b.bufnr then
          return a.bufnr < b.bufnr
        end
        return a.lnum < b.lnum
      end)
      if #diagnostics == 0 then
        return notify('no findings')
      end
      local items = vim.tbl_map(function(one)
        return {
          bufnr = one.bufnr,
          lnum = one.lnum + 1,
          col = one.col + 1,
          end_lnum = one.end_lnum + 1,
          end_col = one.end_col + 1,
          type = ('EWIN'):sub(one.severity, one.severity),
          text = ('%s [%s]'):format(one.message, one.code),
        }
      end, diagnostics)
      vim.fn.setqflist({}, ' ', { title = 'supercargo', items = items })
      vim.cmd('botright copen')
    end,
  },
  base = {
    description = 'mark what is new since a branch, tag or commit; without one, turn that on or off',
    complete = { 'origin/HEAD', 'HEAD', '@{upstream}' },
    run = function(arguments)
      local client = vim.lsp.get_clients({ name = 'supercargo' })[1]
      if not client then
        return notify('the server is not running', vim.log.levels.WARN)
      end
      client:request('workspace/executeCommand', {
        command = 'supercargo.server.compareWithBase',
        arguments = arguments,
      }, function(failure)
        if failure then
          notify(failure.message, vim.log.levels.ERROR)
        end
      end)
    end,
  },
  explain = {
    description = 'explain an advisory, a code or a crate; without a name, the finding at the cursor',
    run = function(arguments)
      if arguments[1] then
        return program.terminal({ 'explain', arguments[1] })
      end
      vim.lsp.buf.hover({ border = 'rounded' })
    end,
  },
  why = {
    description = 'show why the package at the cursor is in the dependency graph',
    run = function()
      require('supercargo.why').show_at_cursor(notify)
    end,
  },
  db = {
    description = 'show or update the advisory database',
    complete = { 'status', 'update' },
    run = function(arguments)
      program.terminal({ 'db', arguments[1] or 'status', '--path', program.folder() })
    end,
  },
  init = {
    description = 'create a deny.toml',
    run = function()
      local folder = program.folder()
      program.terminal({ 'init', folder }, function(code)
        if code == 0 then
          vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(folder, 'deny.toml')))
        end
      end)
    end,
  },
  status = {
    description = 'show the status of all workspaces',
    run = function()
      local lines = {}
      for _, status in ipairs(require('supercargo').statuses()) do
        local folder = vim.fn.fnamemodify(vim.uri_to_fname(status.workspace), ':~:.')
        local reason = type(status.message) == 'string' and status.message
        table.insert(lines, ('%s: %s%s'):format(folder, status.text, reason and '\n  ' .. reason or ''))
      end
      notify(#lines == 0 and 'no workspace has been checked' or table.concat(lines, '\n'))
    end,
  },
  restart = {
    description = 'restart the server',
    run = function()
      require('supercargo.restart').restart()
    end,
  },
  log = {
    description = 'open the log of the language client',
    run = function()
      vim.cmd.tabedit(vim.fn.fnameescape(vim.lsp.log.get_filename()))
    end,
  },
  health = {
    description = 'check the installation',
    run = function()
      vim.cmd.checkhealth('supercargo')
    end,
  },
}

---@param command { fargs: string[], bang: boolean }
function M.run(command)
  local name = command.fargs[1] or 'status'
  local subcommand = M.subcommands[name]
  if not subcommand then
    local names = vim.tbl_keys(M.subcommands)
    table.sort(names)
    return notify(('unknown subcommand `%s`, expected one of %s'):format(name, table.concat(names, ', ')), vim.log.levels.ERROR)
  end
  subcommand.run(vim.list_slice(command.fargs, 2), command.bang)
end

---@param typed string
---@param line string
---@return string[]
function M.complete(typed, line)
  local words = vim.split(line, '%s+')
  local candidates
  if #words <= 2 then
    candidates = vim.tbl_keys(M.subcommands)
  else
    local subcommand = M.subcommands[words[2]]
    candidates = subcommand and subcommand.complete or {}
  end
  local matching = vim.tbl_filter(function(name)
    return vim.startswith(name, typed)
  end, candidates)
  table.sort(matching)
  return matching
end

return M
