--[[
  Stop a lane until it is unparked.

  KEYS
    1 state       hash
  ARGV
    1 reason      why, shown to users
  Returns 1.
--]]
redis.call('HSET', KEYS[1], 'parked', ARGV[1], 'wasParked', 1, 'denied', 0)
redis.call('PEXPIRE', KEYS[1], STATE_TTL_MS)
return 1
