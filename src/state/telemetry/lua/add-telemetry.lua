--[[
  Add what calls of one lane came to since the last time, to the step under way and to the totals.

  KEYS
    1 fine        hash: figures of a short step
    2 coarse      hash: figures of a long step
    3 totals      hash: figures since ever
  ARGV
    1 fineMs      life of the short step, ms
    2 coarseMs    life of the long step, ms
    3 totalsMs    life of the totals, ms
    rest          pairs: field, increment
  Returns Redis's time, epoch ms. Running it twice (after a lost reply) counts twice: these are figures for people,
    never for a decision.
--]]
for k = 1, 3 do
  for i = 4, #ARGV, 2 do redis.call('HINCRBY', KEYS[k], ARGV[i], ARGV[i + 1]) end
  redis.call('PEXPIRE', KEYS[k], ARGV[k])
end
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
