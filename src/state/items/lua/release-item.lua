--[[
  The orderly end of a claim of an item that was submitted on its own.

  KEYS
    1 state       hash
  ARGV
    1 claims      what the claim said
    2 counter     the field that counts them
  Returns 1, or 0 when somebody else has claimed the item since: then the count is theirs, and stays.
--]]
local claims, counter = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[1], counter) ~= claims then return 0 end
redis.call('HSET', KEYS[1], counter, 0)
return 1
