--[[
  A worker takes an item that was submitted on its own.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     where readers are told to look again
    2 counter     field that counts these claims: 'claims', or that of an input which is tried alone
    rest          indices of the job's inputs
  Returns { state, claims, mask, attempt, attempts }: state is 'running' when the item is the worker's, else 'done',
    'cancelled' or 'gone'; mask has '1' for each input that has its record already; attempts are the failed ones of
    each input so far, or nothing when there were none.

  Every claim is a new attempt; deltas of an earlier one are refused from now on, and readers are told to start over.
--]]
local channel, counter = ARGV[1], ARGV[2]
local s = redis.call('HMGET', KEYS[1], 'state', counter, 'attempt')
if not s[1] then return { 'gone', 0, '', 0, {} } end
if s[1] ~= 'queued' and s[1] ~= 'running' then return { s[1], 0, '', 0, {} } end
local claims, attempt = (tonumber(s[2]) or 0) + 1, (tonumber(s[3]) or 0) + 1
redis.call('HSET', KEYS[1], 'state', 'running', counter, claims, 'attempt', attempt, 'written', 0)
if attempt > 1 then redis.call('HSET', KEYS[1], 'last', '') end
-- Nobody has worked on it before: there is neither a record, nor a failed attempt, nor a delta.
if attempt == 1 then return { 'running', claims, string.rep('0', #ARGV - 2), 1, {} } end
local mask, attempts = {}, {}
for i = 3, #ARGV do
  local input = redis.call('HMGET', KEYS[1], 'd' .. ARGV[i], 'a' .. ARGV[i])
  mask[#mask + 1] = input[1] and '1' or '0'
  attempts[#attempts + 1] = tonumber(input[2]) or 0
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('XADD', KEYS[2], '*', 't', 'reset', 'a', attempt)
  redis.call('PUBLISH', channel, 'partial')
end
return { 'running', claims, table.concat(mask), attempt, attempts }
