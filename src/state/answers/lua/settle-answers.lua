--[[
  Give claims back: their answers have come, or never will.

  KEYS
    1 claim       the three are as in claim-answers.lua
    2 waiters      somebody else waits
    3 answer      left for those who waited
  ARGV
    1 token       of the caller
    2 ttlMs       life of an answer that is left for those who wait
    rest          pairs: hash, answer; '' leaves none, and '?' asks first whether somebody waits
  Returns the hashes that somebody waits for and whose answer the caller has: they are still claimed, and are to be
    given back again with their answers.

  Asking and giving back are one step, so that nobody who begins to wait in between is left without.
--]]
local token, ttlMs = ARGV[1], ARGV[2]
local waited = {}
for i = 3, #ARGV, 2 do
  local hash, answer = ARGV[i], ARGV[i + 1]
  local claim, waiters = KEYS[1] .. ':' .. hash, KEYS[2] .. ':' .. hash
  if redis.call('GET', claim) == token then
    local hasWaiters = redis.call('EXISTS', waiters) == 1
    if hasWaiters and answer == '?' then
      waited[#waited + 1] = hash
    else
      if hasWaiters and answer ~= '' then
        redis.call('SET', KEYS[3] .. ':' .. hash, answer, 'PX', ttlMs)
      end
      redis.call('DEL', claim, waiters)
    end
  end
end
return waited
