--[[
  A person has mended what a lane was parked for: forget the outage, keep what the provider said about its limits.

  KEYS
    1 state       hash
  ARGV
    none
  Returns 1 when the lane was parked, else 0.
--]]
local state = KEYS[1]
-- Other texts may come now, and cost otherwise than estimated.
local reports = tonumber(redis.call('HGET', state, 'reports')) or 0
if reports > 4 then redis.call('HSET', state, 'reports', 4) end
local was = redis.call('HDEL', state, 'parked')
redis.call('HDEL', state, 'faults', 'failingSince', 'outages')
if redis.call('HGET', state, 'pauseReason') == 'outage' then redis.call('HDEL', state, 'pausedUntil', 'pauseReason') end
return was
