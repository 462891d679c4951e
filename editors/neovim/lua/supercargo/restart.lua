--- Restarts a server that has crashed, which Neovim does not do.
local M = {}

local WINDOW_MS = 3 * 60 * 1000
local DELAYS_MS = { 0, 1000, 2000, 4000 }
local STOP_CHECKS = 60
local STOP_CHECK_MS = 50

---@type integer[] when the server crashed
local crashes = {}

--- Handles `on_exit` of a client.
---@param code integer
---@param signal integer
---@param client_id integer
function M.on_exit(code, signal, client_id)
  require('supercargo.status').remove(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  local stopped = code == 0 and signal == 0 or client and client:is_stopped() and signal == 15
  if stopped or vim.v.exiting ~= vim.NIL then
    return
  end
  local now = vim.uv.now()
  crashes = vim.tbl_filter(function(time)
    return now - time < WINDOW_MS
  end, crashes)
  table.insert(crashes, now)
  local delay = DELAYS_MS[#crashes]
  vim.schedule(function()
    if delay then
      vim.defer_fn(M.start, delay)
    else
      local message = 'supercargo: the server crashed %d times in the last 3 minutes; see `:Supercargo log`, then run `:Supercargo restart`'
      vim.notify(message:format(#crashes), vim.log.levels.ERROR)
    end
  end)
end

--- Starts the server for all open buffers that it handles.
function M.start()
  vim.lsp.enable('supercargo')
end

--- Stops the server and starts it again.
function M.restart()
  crashes = {}
  local clients = vim.lsp.get_clients({ name = 'supercargo' })
  for _, client in ipairs(clients) do
    client:stop()
  end
  local function start_when_stopped(checks_left)
    local running = vim.tbl_filter(function(client)
      return not client:is_stopped()
    end, clients)
    if #running == 0 then
      M.start()
    elseif checks_left > 0 then
      vim.defer_fn(function()
        start_when_stopped(checks_left - 1)
      end, STOP_CHECK_MS)
    else
      for _, client in ipairs(running) do
        client:stop(true)
      end
      vim.defer_fn(M.start, STOP_CHECK_MS)
    end
  end
  start_when_stopped(STOP_CHECKS)
end

return M
