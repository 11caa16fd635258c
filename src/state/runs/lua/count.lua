--[[
  Add to a run's counters.

  KEYS
    1 stats       hash of counters
  ARGV
    1 ttlMs       life of the counters
    2 mark        "field=value" in the counters: the last of this committer's steps in that place
    rest          pairs: counter, increment
  Returns 1, or 0 when this very step has been counted: it came again because its reply was lost.
--]]
local ttlMs, mark = ARGV[1], ARGV[2]
local place, value = string.match(mark, '^(.-)=(.*)$')
if redis.call('HGET', KEYS[1], place) == value then return 0 end
redis.call('HSET', KEYS[1], place, value)
for i = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], ttlMs)
return 1
