--[[
  Reopen a parked lane after its problem was fixed: forget the outage, keep what was learned about its limits.

  KEYS
    1 state       hash
  ARGV
    none
  Returns 1 if the lane was parked, else 0.
--]]
local state = KEYS[1]
-- The next inputs may be of another kind, and their cost may differ from the estimates in another way.
local reports = tonumber(redis.call('HGET', state, 'reports')) or 0
if reports > 4 then redis.call('HSET', state, 'reports', 4) end
local wasParked = redis.call('HDEL', state, 'parked')
redis.call('HDEL', state, 'faults', 'failingSince', 'outages')
if redis.call('HGET', state, 'pauseReason') == 'outage' then redis.call('HDEL', state, 'pausedUntil', 'pauseReason') end
return wasParked
