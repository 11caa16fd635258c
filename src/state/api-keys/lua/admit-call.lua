--[[
  Reserve a share of an API key's limits and budgets for one call, or report which of them refuses it.

  KEYS
    1 window      zset reservation -> when it was admitted (epoch ms), of the last minute
    2 tokens      hash reservation -> tokens, of the same calls
    3 open        zset reservation -> end of its lease (epoch ms), until it is settled
    4 amounts     hash reservation -> "cost:day:month", of the same reservations
    5 items       hash reservation -> item that makes the call, of the same reservations
    6 usage       hash; see readUsage
  ARGV
    1 id          the reservation
    2 callTokens  the most tokens that the call may use
    3 cost        the most that it may cost, in billionths; -1 = no known price
    4 requestsPerMinute allowed, -1 = no limit
    5 tokensPerMinute allowed, -1 = no limit
    6 dailyBudget in billionths, -1 = none
    7 monthlyBudget in billionths, -1 = none
    8 windowMs    a minute
    9 leaseMs     lifetime of a reservation that is not renewed
    10 pendingMs  when to ask again while open reservations hold the rest of a budget
  Returns names and values: refusedBy, waitMs, now, requests, requestsResetMs, tokens, tokensResetMs, spentToday,
    spentInMonth, reserved.
    refusedBy is '' when the call is admitted, or else 'requests', 'tokens', 'day' or 'month'; waitMs is -1 when only a new
    day or month helps, and -2 when the call alone is more than is allowed. The ...ResetMs say when the window is empty again.

  Running it again with the same reservation (after a lost reply) changes nothing.
--]]
local id, callTokens, cost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local requestsPerMinute, tokensPerMinute = tonumber(ARGV[4]), tonumber(ARGV[5])
local dailyBudget, monthlyBudget = tonumber(ARGV[6]), tonumber(ARGV[7])
local windowMs, leaseMs, pendingMs = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local window, tokens, open, amounts, items = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local usage = readUsage(KEYS[6])
local now = usage.now

-- Reservations of servers that died. If an item makes the call, another server settles it when the item ends.
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', open, '-inf', now, 'LIMIT', 0, 1000)) do
  if redis.call('HEXISTS', items, dead) == 0 then
    closeReservation(usage, { open = open, amounts = amounts, items = items }, dead, 0)
  end
end
local passed = redis.call('ZRANGEBYSCORE', window, '-inf', now - windowMs, 'LIMIT', 0, 5000)
for from = 1, #passed, 1000 do
  local to = math.min(from + 999, #passed)
  for _, used in ipairs(redis.call('HMGET', tokens, unpack(passed, from, to))) do
    usage.tokens = usage.tokens - (tonumber(used) or 0)
  end
  redis.call('HDEL', tokens, unpack(passed, from, to))
  redis.call('ZREM', window, unpack(passed, from, to))
end
local requests = redis.call('ZCARD', window)
-- The keys of an idle window expire as a whole, and nothing subtracts their tokens.
if requests == 0 then usage.tokens = 0 end

-- When `excess` requests have left the window.
local function findFreeRequests(excess)
  local oldest = redis.call('ZRANGE', window, excess - 1, excess - 1, 'WITHSCORES')
  return (tonumber(oldest[2]) or now) + windowMs - now
end

-- When `excess` tokens have left the window. Only the oldest 1,000 calls are read: beyond them the wait is too short rather
-- than too long, and the caller asks again.
local function findFreeTokens(excess)
  local oldest = redis.call('ZRANGE', window, 0, 999, 'WITHSCORES')
  local at = now
  for k = 1, #oldest, 2 do
    if excess <= 0 then break end
    excess = excess - (tonumber(redis.call('HGET', tokens, oldest[k])) or 0)
    at = tonumber(oldest[k + 1]) + windowMs
  end
  return at - now
end

-- A budget that open reservations hold may be free again soon: most calls cost less than was reserved for them.
local function findFreeBudget(spent, budget)
  if cost > budget then return -2 end
  return spent - usage.reserved + cost <= budget and pendingMs or -1
end

local refusedBy, waitMs = '', 0
local function refuse(by, ms) refusedBy, waitMs = by, ms end
local isKnown = redis.call('ZSCORE', open, id)
if not isKnown then
  if requestsPerMinute >= 0 and requests + 1 > requestsPerMinute then
    refuse('requests', findFreeRequests(requests + 1 - requestsPerMinute))
  elseif tokensPerMinute >= 0 and usage.tokens + callTokens > tokensPerMinute then
    refuse('tokens', callTokens > tokensPerMinute and -2 or findFreeTokens(usage.tokens + callTokens - tokensPerMinute))
  elseif dailyBudget >= 0 and usage.spentToday + cost > dailyBudget then
    refuse('day', findFreeBudget(usage.spentToday, dailyBudget))
  elseif monthlyBudget >= 0 and usage.spentInMonth + cost > monthlyBudget then
    refuse('month', findFreeBudget(usage.spentInMonth, monthlyBudget))
  end
  if refusedBy == '' then
    redis.call('ZADD', window, now, id)
    redis.call('HSET', tokens, id, callTokens)
    redis.call('ZADD', open, now + leaseMs, id)
    redis.call('HSET', amounts, id, formatAmount(usage, math.max(0, cost)))
    requests, usage.tokens = requests + 1, usage.tokens + callTokens
    if cost > 0 then
      usage.spentToday, usage.spentInMonth = usage.spentToday + cost, usage.spentInMonth + cost
      usage.reserved = usage.reserved + cost
    end
    for _, key in ipairs({ window, tokens }) do redis.call('PEXPIRE', key, windowMs * 2) end
  end
end
for _, key in ipairs({ open, amounts, items }) do redis.call('PEXPIRE', key, USAGE_TTL_MS) end
writeUsage(KEYS[6], usage)

local newest = redis.call('ZRANGE', window, -1, -1, 'WITHSCORES')
local resetMs = newest[2] and math.max(0, tonumber(newest[2]) + windowMs - now) or 0
return { 'refusedBy', refusedBy, 'waitMs', waitMs, 'now', now, 'requests', requests, 'requestsResetMs', resetMs,
  'tokens', usage.tokens, 'tokensResetMs', usage.tokens > 0 and resetMs or 0, 'spentToday', usage.spentToday,
  'spentInMonth', usage.spentInMonth, 'reserved', usage.reserved }
