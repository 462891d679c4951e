--- A server that ends by itself is started again: at once, then later and later, and in the end no more.
local M = {}

local WINDOW = 3 * 60 * 1000
local DELAYS = { 0, 1000, 2000, 4000 }

---@type integer[]
local ends = {}

---@param code integer
---@param signal integer
---@param client_id integer
function M.ended(code, signal, client_id)
  require('supercargo.gates').forget(client_id)
  local client = vim.lsp.get_client_by_id(client_id)
  local asked = code == 0 and signal == 0 or client and client:is_stopped() and signal == 15
  if asked or vim.v.exiting ~= vim.NIL then
    return
  end
  local now = vim.uv.now()
  ends = vim.tbl_filter(function(time)
    return now - time < WINDOW
  end, ends)
  table.insert(ends, now)
  local delay = DELAYS[#ends]
  vim.schedule(function()
    if not delay then
      vim.notify(
        ('supercargo ended %d times within three minutes and is left alone; `:Supercargo log` says why, `:Supercargo restart` tries again'):format(#ends),
        vim.log.levels.ERROR
      )
      return
    end
    vim.defer_fn(M.start, delay)
  end)
end

--- Starts the server for the buffers that it knows.
function M.start()
  vim.lsp.enable('supercargo')
end

--- Stops the server and starts it again.
function M.restart()
  ends = {}
  local clients = vim.lsp.get_clients({ name = 'supercargo' })
  for _, client in ipairs(clients) do
    client:stop()
  end
  local function start(left)
    local running = vim.tbl_filter(function(client)
      return not client:is_stopped()
    end, clients)
    if #running == 0 then
      M.start()
    elseif left > 0 then
      vim.defer_fn(function()
        start(left - 1)
      end, 50)
    else
      for _, client in ipairs(running) do
        client:stop(true)
      end
      vim.defer_fn(M.start, 50)
    end
  end
  start(60)
end

return M
