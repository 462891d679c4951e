--- What the servers tell of the gates (`supercargo/status`).
local M = {}

---@type table<integer, table<string, table>> by client, then by workspace
local gates = {}

--- The server has told the state of a gate.
---@param client_id integer
---@param status table
function M.told(client_id, status)
  gates[client_id] = gates[client_id] or {}
  gates[client_id][status.workspace] = status
  M.announce()
end

--- The server is gone, and what it said with it.
---@param client_id integer
function M.forget(client_id)
  gates[client_id] = nil
  M.announce()
end

function M.announce()
  vim.schedule(function()
    vim.api.nvim_exec_autocmds('User', { pattern = 'SupercargoStatus', modeline = false })
    vim.cmd.redrawstatus({ bang = true })
  end)
end

---@return table[]
function M.all()
  local all = {}
  for _, of_client in pairs(gates) do
    vim.list_extend(all, vim.tbl_values(of_client))
  end
  table.sort(all, function(a, b)
    return a.workspace < b.workspace
  end)
  return all
end

--- The gate whose folder is the nearest above the file, else all of them.
---@param bufnr integer?
---@return table[]
function M.of(bufnr)
  local path = vim.api.nvim_buf_get_name(bufnr or 0)
  local nearest, length
  for _, gate in ipairs(M.all()) do
    local folder = vim.uri_to_fname(gate.workspace)
    if vim.startswith(path, folder .. '/') and #folder > (length or 0) then
      nearest, length = gate, #folder
    end
  end
  return nearest and { nearest } or M.all()
end

--- What the checks have found: now, or before the policy was broken.
---@param gate table
---@return table<string, table>
local function last_checks(gate)
  if next(gate.checks) == nil and gate.brokenPolicy then
    return gate.brokenPolicy.checksBefore
  end
  return gate.checks
end

---@param found table[]
---@return integer errors
---@return integer warnings
function M.counts(found)
  local errors, warnings = 0, 0
  for _, gate in ipairs(found) do
    for _, check in pairs(last_checks(gate)) do
      errors, warnings = errors + check.errors, warnings + check.warnings
    end
  end
  return errors, warnings
end

--- Where the policy of a gate is broken: `deny.toml broken at line 3`.
---@param gate table
---@return string?
function M.broken(gate)
  local policy = gate.brokenPolicy
  return policy and ('%s broken at line %d'):format(vim.fs.basename(vim.uri_to_fname(policy.file)), policy.line)
end

---@param number integer
---@param word string
local function counted(number, word)
  return ('%d %s%s'):format(number, word, number == 1 and '' or 's')
end

--- `gate: 4 errors, 6 warnings`
---@param bufnr integer?
---@return string
function M.line(bufnr)
  local found = M.of(bufnr)
  if #found == 0 then
    return ''
  end
  local errors, warnings = M.counts(found)
  local words = {}
  if errors > 0 then
    table.insert(words, counted(errors, 'error'))
  end
  if warnings > 0 then
    table.insert(words, counted(warnings, 'warning'))
  end
  local states, broken, unjudged = {}, nil, false
  for _, gate in ipairs(found) do
    states[gate.state] = true
    broken = broken or M.broken(gate)
    unjudged = unjudged or gate.state == 'failed' and next(last_checks(gate)) == nil
  end
  local told = table.concat(words, ', ')
  if states.resolving or states.provisional then
    return 'gate: ' .. (told == '' and 'resolving' or told .. ' …')
  elseif states.untrusted then
    return 'gate: ' .. (told == '' and 'nothing seen' or told) .. ' (restricted)'
  elseif unjudged then
    return 'gate: no verdict'
  elseif broken then
    -- What was found before may hold no longer: it is never said to be clean.
    return 'gate: ' .. (told == '' and broken or told .. ', ' .. broken)
  elseif errors > 0 then
    return 'gate: ' .. told
  end
  return 'gate: clean' .. (told == '' and '' or ', ' .. told)
end

return M
