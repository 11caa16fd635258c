--[[
  End a claim of a standalone item.

  KEYS
    1 state       hash
  ARGV
    1 claims      number that the claim returned
    2 counter     field that counts the claims
  Returns 1, or 0 when another worker has claimed the item since; its count stays.
--]]
local claims, counter = ARGV[1], ARGV[2]
if redis.call('HGET', KEYS[1], counter) ~= claims then return 0 end
redis.call('HSET', KEYS[1], counter, 0)
return 1
