--[[
  List the reservations whose items nobody waits for any more, and keep them for other servers to look at later.

  KEYS
    1 open        zset reservation -> end of its lease (epoch ms)
    2 items       hash reservation -> item that makes the call
    3 usage       hash; see readUsage
  ARGV
    1 leaseMs     until the next look
    2 count       of reservations, at most
  Returns reservations and items in turn.
--]]
local now = readTime(readFields(KEYS[3], { 'now', 'skew' }))
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))) do
  local item = redis.call('HGET', KEYS[2], id)
  if item then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), id)
    found[#found + 1] = id
    found[#found + 1] = item
  end
end
return found
