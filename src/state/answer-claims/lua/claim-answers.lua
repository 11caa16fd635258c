--[[
  Claim answers, so that only one of several runs that need the same answer calls a provider.

  KEYS
    1 claim       prefix; the claim is the string <claim>:<hash>, whose value is the holder's token
    2 waiters     prefix; <waiters>:<hash> exists when another run waits for the answer
    3 answer      prefix; <answer>:<hash> is the answer, for runs that waited
  ARGV
    1 token       of the caller
    2 ttlMs       TTL of a claim without renewal
    rest          hashes
  Returns per hash: 1 when the caller holds the claim, 0 when another run does, 2 when the answer exists.

  The three prefixes end in one hash tag, so that all their keys are on one shard.
--]]
local token, ttlMs = ARGV[1], tonumber(ARGV[2])
local replies = {}
for i = 3, #ARGV do
  local hash = ARGV[i]
  if redis.call('EXISTS', KEYS[3] .. ':' .. hash) == 1 then
    replies[#replies + 1] = 2
  else
    local claim = KEYS[1] .. ':' .. hash
    local holder = redis.call('GET', claim)
    if holder and holder ~= token then
      redis.call('SET', KEYS[2] .. ':' .. hash, '1', 'PX', ttlMs)
      replies[#replies + 1] = 0
    else
      redis.call('SET', claim, token, 'PX', ttlMs)
      replies[#replies + 1] = 1
    end
  end
end
return replies
