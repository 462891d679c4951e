--- Shows why packages are in the dependency graph, each graph in a buffer with its address as name.
local M = {}

local HEIGHT = 15

---@param subject table the parameters of `supercargo/whyGraph`
---@param use fun(graph: table?, problem: string?)
local function request(subject, use)
  local client = vim.lsp.get_clients({ name = 'supercargo' })[1]
  if not client then
    return use(nil, 'the server is not running')
  end
  client:request('supercargo/whyGraph', subject, function(failure, graph)
    if failure then
      use(nil, failure.message)
    elseif not graph or graph == vim.NIL then
      use(nil, 'no package here; place the cursor on a dependency')
    else
      use(graph)
    end
  end)
end

--- Fills the buffer of a graph; for `BufReadCmd`, so that `:edit` shows the graph as it is now.
---@param buffer integer
function M.read(buffer)
  vim.bo[buffer].buftype = 'nofile'
  vim.bo[buffer].bufhidden = 'wipe'
  vim.bo[buffer].swapfile = false
  request({ uri = vim.api.nvim_buf_get_name(buffer) }, function(graph, problem)
    if not vim.api.nvim_buf_is_valid(buffer) then
      return
    end
    vim.bo[buffer].modifiable = true
    local text = graph and graph.text or problem
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, '\n', { trimempty = true }))
    vim.bo[buffer].modifiable = false
  end)
end

--- Shows the graph of what is at the cursor, in a window at the bottom.
---@param notify fun(message: string, level: integer?)
function M.show_at_cursor(notify)
  local client = vim.lsp.get_clients({ name = 'supercargo', bufnr = 0 })[1]
  local position = vim.lsp.util.make_position_params(0, client and client.offset_encoding or 'utf-16')
  request(position, function(graph, problem)
    if not graph then
      return notify(problem, vim.log.levels.WARN)
    end
    local window = vim.fn.bufwinid(vim.fn.bufnr(('^%s$'):format(vim.fn.escape(graph.uri, '*?[]{},\\'))))
    if window ~= -1 then
      vim.api.nvim_set_current_win(window)
      vim.cmd.edit()
    else
      vim.cmd(('botright %dsplit %s'):format(HEIGHT, vim.fn.fnameescape(graph.uri)))
    end
  end)
end

return M
