--[[
  Release claims whose answers have arrived or will never arrive.

  KEYS
    1 claim       as in claim-answers.lua
    2 waiters     as in claim-answers.lua
    3 answer      stored for waiting runs
  ARGV
    1 token       of the caller
    2 ttlMs       TTL of an answer that is stored for waiting runs
    rest          pairs: hash, answer; '' stores no answer, and '?' releases the claim only if no run waits
  Returns the hashes that were passed with '?' and that another run waits for. They stay claimed; the caller must release
    them again with their answers.

  Checking for waiting runs and releasing is one step, so that a run that begins to wait in between is not missed.
--]]
local token, ttlMs = ARGV[1], ARGV[2]
local awaited = {}
for i = 3, #ARGV, 2 do
  local hash, answer = ARGV[i], ARGV[i + 1]
  local claim, waiters = KEYS[1] .. ':' .. hash, KEYS[2] .. ':' .. hash
  if redis.call('GET', claim) == token then
    local hasWaiters = redis.call('EXISTS', waiters) == 1
    if hasWaiters and answer == '?' then
      awaited[#awaited + 1] = hash
    else
      if hasWaiters and answer ~= '' then
        redis.call('SET', KEYS[3] .. ':' .. hash, answer, 'PX', ttlMs)
      end
      redis.call('DEL', claim, waiters)
    end
  end
end
return awaited
