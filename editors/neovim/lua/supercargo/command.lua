--- `:Supercargo`
local program = require('supercargo.program')

local M = {}

---@param text string
---@param level integer?
local function say(text, level)
  vim.notify('supercargo: ' .. text, level or vim.log.levels.INFO)
end

---@param record table a finding as `supercargo check --format json` writes it
local function entry(record)
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
---@field about string
---@field run fun(arguments: string[], bang: boolean)
---@field complete string[]?

---@type table<string, supercargo.Subcommand>
M.subcommands = {
  check = {
    about = 'check what is on disk as CI does; findings to the quickfix list',
    run = function()
      local command = { program.path(), 'check', program.folder(), '--format', 'json' }
      vim.list_extend(command, program.options())
      vim.system(command, { text = true }, function(answer)
        vim.schedule(function()
          local entries = {}
          for line in vim.gsplit(answer.stdout or '', '\n', { trimempty = true }) do
            local ok, record = pcall(vim.json.decode, line, { luanil = { object = true } })
            local shown = ok and record.type == 'finding' and record.location
            if shown and (record.severity == 'error' or record.severity == 'warning') then
              table.insert(entries, entry(record))
            end
          end
          vim.fn.setqflist({}, ' ', { title = 'supercargo check', items = entries })
          if answer.code == 0 then
            say('the gate is clean' .. (#entries > 0 and (', with %d warnings'):format(#entries) or ''))
          elseif answer.code >= 64 then
            say('no verdict: ' .. vim.trim(answer.stderr or ''), vim.log.levels.ERROR)
          else
            say(('%d findings (exit code %d)'):format(#entries, answer.code), vim.log.levels.WARN)
          end
          if #entries > 0 then
            vim.cmd('botright copen')
          end
        end)
      end)
    end,
  },
  fix = {
    about = 'show what would be fixed; with ! change the files',
    run = function(_, bang)
      local arguments = { 'fix', program.folder() }
      vim.list_extend(arguments, program.options())
      if not bang then
        table.insert(arguments, '--dry-run')
      elseif #vim.tbl_filter(function(buffer)
        return vim.bo[buffer].modified and vim.bo[buffer].buftype == '' and vim.bo[buffer].filetype == 'toml'
      end, vim.api.nvim_list_bufs()) > 0 then
        return say('write the manifests first; `fix` works on the files on disk', vim.log.levels.WARN)
      end
      program.terminal(arguments, function()
        vim.cmd.checktime()
      end)
    end,
  },
  actions = {
    about = 'the quick fixes at the cursor',
    run = function()
      vim.lsp.buf.code_action()
    end,
  },
  findings = {
    about = 'the findings in all files, to the quickfix list',
    run = function()
      local client = vim.lsp.get_clients({ name = 'supercargo' })[1]
      if not client then
        return say('no server is running', vim.log.levels.WARN)
      end
      local found = vim.diagnostic.get(nil, { namespace = vim.lsp.diagnostic.get_namespace(client.id) })
      -- What closes the gate comes first.
      table.sort(found, function(a, b)
        if a.severity ~= b.severity then
          return a.severity < b.severity
        elseif a.bufnr ~= b.bufnr then
          return a.bufnr < b.bufnr
        end
        return a.lnum < b.lnum
      end)
      if #found == 0 then
        return say('there are no findings')
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
      end, found)
      vim.fn.setqflist({}, ' ', { title = 'supercargo', items = items })
      vim.cmd('botright copen')
    end,
  },
  explain = {
    about = 'explain an advisory, a code or a crate; else what is at the cursor',
    run = function(arguments)
      if arguments[1] then
        if program.has('explain') then
          return program.terminal({ 'explain', arguments[1] })
        end
        return say('this version of the program cannot explain by name; put the cursor on the finding', vim.log.levels.WARN)
      end
      vim.lsp.buf.hover({ border = 'rounded' })
    end,
  },
  why = {
    about = 'why the dependency at the cursor is here',
    run = function()
      vim.lsp.buf.hover({ border = 'rounded' })
    end,
  },
  db = {
    about = 'the advisory database: status, update',
    complete = { 'status', 'update' },
    run = function(arguments)
      program.terminal({ 'db', arguments[1] or 'status', '--path', program.folder() })
    end,
  },
  init = {
    about = 'write a deny.toml from a template',
    run = function()
      if not program.has('init') then
        return say('this version of the program cannot write a policy yet; `cargo deny init` can')
      end
      local folder = program.folder()
      program.terminal({ 'init', folder }, function(code)
        if code == 0 then
          vim.cmd.edit(vim.fn.fnameescape(vim.fs.joinpath(folder, 'deny.toml')))
        end
      end)
    end,
  },
  status = {
    about = 'the state of the gates',
    run = function()
      local gates = require('supercargo').gates()
      if #gates == 0 then
        return say('no gate has been judged yet')
      end
      local lines = {}
      for _, gate in ipairs(gates) do
        local errors, warnings = require('supercargo.gates').counts({ gate })
        local database = gate.database and gate.database.date
        table.insert(lines, ('%s: %s, %d errors, %d warnings%s%s%s'):format(
          vim.fn.fnamemodify(vim.uri_to_fname(gate.workspace), ':~:.'),
          gate.state,
          errors,
          warnings,
          type(database) == 'string' and ', advisories of ' .. database or '',
          type(gate.message) == 'string' and '\n  ' .. gate.message or '',
          gate.brokenPolicy and '\n  ' .. require('supercargo.gates').broken(gate) .. '; the counts are those of before' or ''
        ))
      end
      say(table.concat(lines, '\n'))
    end,
  },
  restart = {
    about = 'start the server again',
    run = function()
      require('supercargo.recovery').restart()
    end,
  },
  log = {
    about = 'the log of the language client',
    run = function()
      vim.cmd.tabedit(vim.fn.fnameescape(vim.lsp.log.get_filename()))
    end,
  },
  health = {
    about = 'check the installation',
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
    return say(('there is no `%s`; there are %s'):format(name, table.concat(names, ', ')), vim.log.levels.ERROR)
  end
  subcommand.run(vim.list_slice(command.fargs, 2), command.bang)
end

---@param typed string
---@param line string
---@return string[]
function M.complete(typed, line)
  local words = vim.split(line, '%s+')
  local offered
  if #words <= 2 then
    offered = vim.tbl_keys(M.subcommands)
  else
    local subcommand = M.subcommands[words[2]]
    offered = subcommand and subcommand.complete or {}
  end
  local matching = vim.tbl_filter(function(name)
    return vim.startswith(name, typed)
  end, offered)
  table.sort(matching)
  return matching
end

return M
