--[[
  Add to a run's counters.

  KEYS
    1 stats       hash of counters
  ARGV
    1 ttlMs       TTL of the counters
    2 mark        idempotency mark, "field=value" in stats
    rest          pairs: counter, increment
  Returns 1, or 0 when this command was counted before and is repeated because its reply was lost.
--]]
local ttlMs, mark = ARGV[1], ARGV[2]
local place, value = string.match(mark, '^(.-)=(.*)$')
if redis.call('HGET', KEYS[1], place) == value then return 0 end
redis.call('HSET', KEYS[1], place, value)
for i = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ttlMs)
return 1
