--[[
  A worker takes an item that was submitted on its own.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     where readers are told to look again
    rest          indices of the job's inputs
  Returns { state, claims, mask, attempt }: state is 'running' when the item is the worker's, else 'done',
    'cancelled' or 'gone'; mask has '1' for each input that has its record already.

  Every claim is a new attempt; deltas of an earlier one are refused from now on, and readers are told to start over.
--]]
local channel = ARGV[1]
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 'gone', 0, '', 0 } end
if state ~= 'queued' and state ~= 'running' then return { state, 0, '', 0 } end
redis.call('HSET', KEYS[1], 'state', 'running')
local claims = redis.call('HINCRBY', KEYS[1], 'claims', 1)
local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
local mask = {}
for i = 2, #ARGV do mask[#mask + 1] = redis.call('HEXISTS', KEYS[1], 'd' .. ARGV[i]) end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('XADD', KEYS[2], '*', 't', 'reset', 'a', attempt)
  redis.call('PUBLISH', channel, 'partial')
end
return { 'running', claims, table.concat(mask), attempt }
