--[[
  Acquire or renew a lease.

  KEYS
    1 lease       string, the holder's token
  ARGV
    1 token       of the caller
    2 ttlMs       TTL of the lease without renewal
  Returns the token of the holder.
--]]
local token, ttlMs = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= token then return holder end
redis.call('SET', KEYS[1], token, 'PX', ttlMs)
return token
