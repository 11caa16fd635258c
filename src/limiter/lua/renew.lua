--[[
  Extend the leases of reservations whose calls are still in flight.

  KEYS
    1 flight      zset reservation -> end of lease (epoch ms)
    2 state       hash
  ARGV
    1 leaseMs     lifetime of a reservation that is not renewed
    2 windowMs    length of the provider's window, margin included
    rest          reservations
  Returns how many of them are in flight.

  A reservation that has expired or was settled is not restored.
--]]
local leaseMs, windowMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local flight, state = KEYS[1], KEYS[2]

local now, skew = readTime(readFields(state, { 'now', 'skew' }))
local found = 0
for i = 3, #ARGV do
  if redis.call('ZSCORE', flight, ARGV[i]) then
    redis.call('ZADD', flight, now + leaseMs, ARGV[i])
    found = found + 1
  end
end
redis.call('HSET', state, 'now', now, 'skew', skew)
redis.call('PEXPIRE', flight, math.max(leaseMs * 2, windowMs))
redis.call('PEXPIRE', state, STATE_TTL_MS)
return found
