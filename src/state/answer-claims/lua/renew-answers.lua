--[[
  Renew the caller's claims.

  KEYS
    1 claim       as in claim-answers.lua
  ARGV
    1 token       of the caller
    2 ttlMs       TTL of a claim without renewal
    rest          hashes
  Returns the number of claims that the caller still holds.
--]]
local token, ttlMs = ARGV[1], ARGV[2]
local kept = 0
for i = 3, #ARGV do
  local claim = KEYS[1] .. ':' .. ARGV[i]
  if redis.call('GET', claim) == token then kept = kept + redis.call('PEXPIRE', claim, ttlMs) end
end
return kept
