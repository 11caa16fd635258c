--[[
  End claims of jobs.

  KEYS
    1 claims      hash job id -> claims that were not released
  ARGV
    rest          pairs: job, number that its claim returned
  Returns the number of claims that ended.

  The count of a job that another worker has claimed since (because the lock was lost) stays.
--]]
local ended = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then ended = ended + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return ended
