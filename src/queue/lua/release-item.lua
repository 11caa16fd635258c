--[[
  The orderly end of a claim of an item that was submitted on its own.

  KEYS
    1 state       hash
  ARGV
    1 claims      what the claim said
  Returns 1, or 0 when somebody else has claimed the item since: then the count is theirs, and stays.
--]]
local claims = ARGV[1]
if redis.call('HGET', KEYS[1], 'claims') ~= claims then return 0 end
redis.call('HSET', KEYS[1], 'claims', 0)
return 1
