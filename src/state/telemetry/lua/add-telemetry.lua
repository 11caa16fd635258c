--[[
  Add statistics of one lane to the current steps and to the totals.

  KEYS
    1 fine        hash: statistics of the current fine step
    2 coarse      hash: statistics of the current coarse step
    3 totals      hash: statistics since the lane's first call
  ARGV
    1 fineMs      TTL of the fine step
    2 coarseMs    TTL of the coarse step
    3 totalsMs    TTL of the totals
    rest          pairs: field, increment
  Returns Redis's time, epoch ms. A repeated call (after a lost reply) counts twice: the statistics are shown to people
    and are not used for decisions.
--]]
for k = 1, 3 do
  for i = 4, #ARGV, 2 do redis.call('HINCRBY', KEYS[k], ARGV[i], ARGV[i + 1]) end
  redis.call('PEXPIRE', KEYS[k], ARGV[k])
end
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
