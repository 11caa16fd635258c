--[[
  Set limits of a lane that win over everybody's configuration, or take them away.

  KEYS
    1 state       hash
  ARGV
    1 clear       1 = take all away first
    rest          pairs: dimension (Requests|Tokens|Concurrency), limit
  Returns how many are set now.

  What was learned in a dimension goes with its new figure: it was learned under another one.
--]]
local state = KEYS[1]
if ARGV[1] == '1' then redis.call('HDEL', state, 'setRequests', 'setTokens', 'setConcurrency') end
for i = 2, #ARGV, 2 do
  local name = ARGV[i]
  redis.call('HSET', state, 'set' .. name, ARGV[i + 1])
  redis.call('HDEL', state, 'learned' .. name, 'peak' .. name, 'cutAt' .. name)
end
redis.call('PEXPIRE', state, 604800000)
local set = redis.call('HMGET', state, 'setRequests', 'setTokens', 'setConcurrency')
return (set[1] and 1 or 0) + (set[2] and 1 or 0) + (set[3] and 1 or 0)
