--[[
  End the reservation of a call: replace the reserved tokens and cost by what it used.

  KEYS
    1 tokens      hash reservation -> tokens, of the calls of the last minute
    2 open        zset reservation -> end of its lease (epoch ms)
    3 amounts     hash reservation -> "cost:day:month"
    4 items       hash reservation -> item that makes the call
    5 usage       hash; see readUsage
  ARGV
    1 id          the reservation
    2 callTokens  used tokens; -1 = not known, keeps the reserved ones
    3 cost        in billionths; -1 = not known, keeps the reserved one
  Returns 1, or 0 if the reservation is not open any more.

  Settling a reservation twice changes nothing.
--]]
local id, callTokens, cost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens, open, amounts, items = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if not redis.call('ZSCORE', open, id) then return 0 end
local usage = readUsage(KEYS[5])
local reserved = tonumber(redis.call('HGET', tokens, id) or nil)
if reserved and callTokens >= 0 then
  redis.call('HSET', tokens, id, callTokens)
  usage.tokens = math.max(0, usage.tokens + callTokens - reserved)
end
closeReservation(usage, { open = open, amounts = amounts, items = items }, id, cost >= 0 and cost or nil)
writeUsage(KEYS[5], usage)
return 1
