--[[
  Claim the answers to questions, so that of all who ask the same at the same time only one calls a provider.

  KEYS
    1 claim       a claim is the string <claim>:<hash>: the token of who is asking
    2 waiters      <waiters>:<hash>: somebody else waits for that answer
    3 answer      <answer>:<hash>: the answer, for those who waited
  ARGV
    1 token       of the caller
    2 ttlMs       life of a claim without renewal
    rest          hashes
  Returns per hash: 1 when the claim is the caller's, 0 when it is somebody else's, 2 when the answer is there.

  The three names end in one hash tag, so all keys made of them are on one shard.
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
