--[[
  A worker claims a standalone item.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     notifies readers to read again
    2 counter     field that counts these claims: 'claims', or the one of an input that is tried alone
    rest          indices of the job's inputs
  Returns { state, claims, mask, attempt, attempts }: state is 'running' when the worker has the item, else 'done',
    'cancelled' or 'gone'; mask has '1' for each input that already has its record; attempts has the failed attempts of
    each input so far, or is empty when there were none.

  Every claim starts a new attempt: deltas of earlier attempts are refused from now on, and readers receive a reset.
--]]
local channel, counter = ARGV[1], ARGV[2]
local s = redis.call('HMGET', KEYS[1], 'state', counter, 'attempt')
if not s[1] then return { 'gone', 0, '', 0, {} } end
if s[1] ~= 'queued' and s[1] ~= 'running' then return { s[1], 0, '', 0, {} } end
local claims, attempt = (tonumber(s[2]) or 0) + 1, (tonumber(s[3]) or 0) + 1
redis.call('HSET', KEYS[1], 'state', 'running', counter, claims, 'attempt', attempt, 'written', 0)
if attempt > 1 then redis.call('HSET', KEYS[1], 'last', '') end
-- The first attempt: the item has no records, failed attempts or deltas yet.
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
