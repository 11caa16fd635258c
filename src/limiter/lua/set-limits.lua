--[[
  Set or clear the manual limits of a lane, which override everybody's configuration.

  KEYS
    1 state       hash
  ARGV
    1 clear       1 = clear all manual limits first
    rest          pairs: name of the limit (requests, requests:second, ..., concurrency), limit
  Returns how many manual limits the lane has now.

  A new manual limit discards the learned limit of the same name, which was learned under another limit. A wait that the
  provider asked for ends, because the person who sets limits may have changed the account.
--]]
local state = KEYS[1]
local fields = addLimitFields({}, 'manual:')
if ARGV[1] == '1' then redis.call('HDEL', state, unpack(fields)) end
for i = 2, #ARGV, 2 do
  redis.call('HSET', state, 'manual:' .. ARGV[i], ARGV[i + 1])
  forgetLearnedLimit(state, ARGV[i])
end
if redis.call('HGET', state, 'pauseReason') ~= 'outage' then redis.call('HDEL', state, 'pausedUntil', 'pauseReason') end
redis.call('HDEL', state, 'quotaLeft:requests', 'quotaLeft:tokens', 'quotaResetAt:requests', 'quotaResetAt:tokens')
redis.call('PEXPIRE', state, STATE_TTL_MS)
local count = 0
for _ in pairs(readFields(state, fields)) do count = count + 1 end
return count
