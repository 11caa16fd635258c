--[[
  The orderly end of claims of jobs.

  KEYS
    1 claims      hash job id -> claims without an orderly end
  ARGV
    rest          pairs: job, claims as its claim said
  Returns how many ended now.

  A job that somebody else has claimed since (the lock was lost) keeps its count: it is theirs.
--]]
local ended = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then ended = ended + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return ended
