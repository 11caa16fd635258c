--[[
  Keep reservations of calls still in flight from lapsing.

  KEYS
    1 flight      zset reservation -> end of lease (epoch ms)
    2 state       hash
  ARGV
    1 leaseMs     life of a reservation that nobody renews
    2 windowMs    length of the provider's window, margin included
    rest          reservations
  Returns how many are in flight.

  One that lapsed or was settled meanwhile does not come back.
--]]
local leaseMs, windowMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local flight, state = KEYS[1], KEYS[2]

local time = redis.call('TIME')
local s = redis.call('HMGET', state, 'now', 'skew')
local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[1]) or 0
local now = clock >= last and clock or math.max(last, clock + (tonumber(s[2]) or 0))
local found = 0
for i = 3, #ARGV do
  if redis.call('ZSCORE', flight, ARGV[i]) then
    redis.call('ZADD', flight, now + leaseMs, ARGV[i])
    found = found + 1
  end
end
redis.call('HSET', state, 'now', now, 'skew', now - clock)
redis.call('PEXPIRE', flight, math.max(leaseMs * 2, windowMs))
redis.call('PEXPIRE', state, 604800000)
return found
