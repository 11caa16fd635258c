--[[
  Release a lease if the token still holds it.

  KEYS
    1 lease       string, the holder's token
  ARGV
    1 token       whose lease ends
  Returns 1 when the lease was released, else 0.
--]]
local token = ARGV[1]
if redis.call('GET', KEYS[1]) ~= token then return 0 end
redis.call('DEL', KEYS[1])
return 1
