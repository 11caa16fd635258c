--[[
  Extend the leases of reservations whose calls are still in progress.

  KEYS
    1 open        zset reservation -> end of its lease (epoch ms)
    2 usage       hash; see readUsage
  ARGV
    1 leaseMs     lifetime of a reservation that is not renewed
    rest          reservations
  Returns how many of them are open. One that has expired or was settled is not restored.
--]]
local now, found = readTime(readFields(KEYS[2], { 'now', 'skew' })), 0
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[i])
    found = found + 1
  end
end
return found
