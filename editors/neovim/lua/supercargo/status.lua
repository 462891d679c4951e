--- Keeps the `supercargo/status` of each workspace.
local M = {}

---@type table<integer, table<string, table>> by client, then by workspace
local statuses = {}

--- Handles the notification `supercargo/status`.
---@param client_id integer
---@param status table
function M.update(client_id, status)
  statuses[client_id] = statuses[client_id] or {}
  statuses[client_id][status.workspace] = status
  M.redraw()
end

--- Removes the statuses of a client that has ended.
---@param client_id integer
function M.remove(client_id)
  statuses[client_id] = nil
  M.redraw()
end

function M.redraw()
  vim.schedule(function()
    vim.api.nvim_exec_autocmds('User', { pattern = 'SupercargoStatus', modeline = false })
    vim.cmd.redrawstatus({ bang = true })
  end)
end

--- The statuses of all workspaces, sorted by folder.
---@return table[]
function M.all()
  local all = {}
  for _, of_client in pairs(statuses) do
    vim.list_extend(all, vim.tbl_values(of_client))
  end
  table.sort(all, function(a, b)
    return a.workspace < b.workspace
  end)
  return all
end

--- A failed workspace comes first, then the one with the most errors.
---@param status table
---@return number
local function rank(status)
  local errors = 0
  for _, counts in pairs(status.checks) do
    errors = errors + counts.errors
  end
  return status.state == 'failed' and math.huge or errors
end

--- The status of the buffer's workspace, else the worst of all workspaces.
---@param bufnr integer?
---@return table?
function M.of_buffer(bufnr)
  local path = vim.api.nvim_buf_get_name(bufnr or 0)
  local nearest, length, worst
  for _, status in ipairs(M.all()) do
    local folder = vim.uri_to_fname(status.workspace)
    if vim.startswith(path, folder .. '/') and #folder > (length or 0) then
      nearest, length = status, #folder
    end
    if not worst or rank(status) > rank(worst) then
      worst = status
    end
  end
  return nearest or worst
end

return M
