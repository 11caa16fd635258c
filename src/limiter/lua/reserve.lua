--[[
  Grant the first of the wanted reservations of a lane, as many as its limits allow, or report what to wait for.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate:grantedAt" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 recent      zset reservation -> when it was granted (epoch ms)
    5 long        hash of the last hour and day; see readLong
    6 state       hash
  ARGV
    1 windowMs    a minute, margin included
    2 secondMs    a second, with its margin
    3 requests    allowed per minute, 0 = no known limit
    4 tokens      allowed per minute, 0 = no known limit
    5 concurrency allowed in flight, 0 = no known limit
    6 requestsPerSecond allowed, 0 = no known limit
    7 requestsPerHour
    8 requestsPerDay
    9 tokensPerSecond
    10 tokensPerHour
    11 tokensPerDay
    12 even       1 = space grants by window / limit, for windows up to a minute
    13 transitMs  longest time from grant to arrival
    14 leaseMs    lifetime of a reservation that is not renewed
    15 outageStreak faults in a row from which the lane is out
    16 prefix     reservations are named prefix:1, prefix:2, ...
    17 interactive how many of the first are interactive: bulk calls yield while one of these is refused
    18 holdMs     for how long after the next interactive request bulk calls yield
    19 maxPauseMs the longest time until that request
    20 yieldMs    when calls that yield should ask again
    21 soloMs     for how long a lane without any known limit makes one call at a time, until its first answer
    22 firstCalls bulk calls in flight at once while it is not known that the provider accepts the account, 0 = no limit
    rest          estimated tokens, one per wanted reservation
  Returns names and values: granted, now, reason, waitMs, detail.
    reason is '' when all were granted; waitMs is -1 when only the end of another call helps.

  Running it again with the same prefix (after a lost reply) grants nothing twice: reservations that are in flight
  already count as granted.
--]]
local windowMs, secondMs, concurrency = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[5])
local configured = { requests = tonumber(ARGV[3]), tokens = tonumber(ARGV[4]),
  ['requests:second'] = tonumber(ARGV[6]), ['requests:hour'] = tonumber(ARGV[7]), ['requests:day'] = tonumber(ARGV[8]),
  ['tokens:second'] = tonumber(ARGV[9]), ['tokens:hour'] = tonumber(ARGV[10]), ['tokens:day'] = tonumber(ARGV[11]) }
local even, transitMs, leaseMs, outageStreak = ARGV[12] == '1', tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local prefix, interactive = ARGV[16], tonumber(ARGV[17])
local holdMs, maxPauseMs, yieldMs = tonumber(ARGV[18]), tonumber(ARGV[19]), tonumber(ARGV[20])
local soloMs, firstCalls = tonumber(ARGV[21]), tonumber(ARGV[22])
local first = 23
local window, costs, flight, recent, long, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local s = readFields(state, addLimitFields({ 'now', 'skew', 'parked', 'pausedUntil', 'pauseReason', 'sum', 'nextAt', 'faults',
  'ratio', 'reports', 'interactive', 'lastOk', 'denied', 'answered', 'firstAt', 'foreign:requests', 'foreignUntil:requests',
  'foreign:tokens', 'foreignUntil:tokens', 'quota:requests', 'quotaLeft:requests', 'quotaResetAt:requests', 'quota:tokens',
  'quotaLeft:tokens', 'quotaResetAt:tokens' }, 'manual:', 'learned:', 'reported:'))
local now, skew = readTime(s)
redis.call('HSET', state, 'now', now, 'skew', skew)
redis.call('PEXPIRE', state, STATE_TTL_MS)

local granted, wanted = 0, #ARGV - first + 1
local function reply(reason, waitMs, detail)
  return { 'granted', granted, 'now', now, 'reason', reason, 'waitMs', waitMs, 'detail', detail or '' }
end
while granted < wanted and redis.call('ZSCORE', flight, prefix .. ':' .. (granted + 1)) do granted = granted + 1 end
if granted == wanted then return reply('', -1) end
if s.parked then return reply('parked', -1, s.parked) end
local pausedUntil = tonumber(s.pausedUntil) or 0
-- A wait for a limit that has been changed since is over.
local waitLimit, waitDimension, waitWindow = string.match(s.pauseReason or '', '^throttled: the limit of (%d+) (%a+) per (%a+) is used up$')
if waitLimit then
  local name = joinLimitName(waitDimension, waitWindow)
  if findAllowedLimit(s, name, configured[name] or 0) ~= tonumber(waitLimit) then pausedUntil = 0 end
end
if pausedUntil > now then return reply('snoozed', pausedUntil - now, s.pauseReason) end

-- What other programs use of the limit.
local function findForeignUse(name)
  local lastsUntil = tonumber(s['foreignUntil:' .. name]) or 0
  return lastsUntil > now and tonumber(s['foreign:' .. name]) or 0
end

-- What other programs use is subtracted from the allowed limit. A learned limit, which was learned beside them, lowers the rest
-- until it has grown back.
local function limitOf(name, limit)
  local allowed = findAllowedLimit(s, name, limit)
  local free = allowed > 0 and math.max(1, math.floor(allowed - findForeignUse(name))) or 0
  if not s['learned:' .. name] then return free end
  local learned, peak = computeLearnedLimit(state, name, now)
  if learned >= (allowed > 0 and allowed or peak * 10) then
    forgetLearnedLimit(state, name)
    return free
  end
  learned = math.max(1, math.floor(learned))
  return free > 0 and math.min(free, learned) or learned
end
-- The known limits; `used` is filled in below.
local rates, rateOf = {}, {}
for _, name in ipairs(RATE_LIMITS) do
  local limit = limitOf(name, configured[name])
  if limit > 0 then
    local dimension, ofWindow = splitLimitName(name)
    rateOf[name] = { name = name, dimension = dimension, window = ofWindow, limit = limit }
    rates[#rates + 1] = rateOf[name]
  end
end
concurrency = limitOf('concurrency', concurrency)
-- The first answer may report the limits. Until then, many calls at once would only be refused.
if #rates == 0 and concurrency == 0 and not s.answered and not s.lastOk then
  local firstAt = tonumber(s.firstAt) or now
  if not s.firstAt then redis.call('HSET', state, 'firstAt', now) end
  if now < firstAt + soloMs then concurrency = 1 end
end
-- While the lane is out, one probe at a time: more calls would neither help the provider nor tell us more.
if (tonumber(s.faults) or 0) >= outageStreak then concurrency = 1 end

-- Leases of dead workers; the costs of calls that left the window during their lease go with it.
local dead = redis.call('ZRANGEBYSCORE', flight, '-inf', now, 'LIMIT', 0, 5000)
forEachChunk(dead, function(...)
  local scores, gone = redis.call('ZMSCORE', window, ...), {}
  for k, score in ipairs(scores) do
    if not score then gone[#gone + 1] = select(k, ...) end
  end
  if #gone > 0 then redis.call('HDEL', costs, unpack(gone)) end
  redis.call('ZREM', flight, ...)
end)
-- The cost of a call that lasts longer than the window is kept until its end, when it is corrected for longer windows.
local sum = tonumber(s.sum) or 0
local expired = redis.call('ZRANGEBYSCORE', window, '-inf', now - windowMs, 'LIMIT', 0, 5000)
forEachChunk(expired, function(...)
  local leases, ended = redis.call('ZMSCORE', flight, ...), {}
  for k, cost in ipairs(redis.call('HMGET', costs, ...)) do
    sum = sum - parseCost(cost)
    if not leases[k] then ended[#ended + 1] = select(k, ...) end
  end
  if #ended > 0 then redis.call('HDEL', costs, unpack(ended)) end
  redis.call('ZREM', window, ...)
end)
redis.call('ZREMRANGEBYSCORE', recent, '-inf', now - secondMs)

local count, inFlight = redis.call('ZCARD', window), redis.call('ZCARD', flight)
-- On an idle lane the keys window and costs expire as a whole, and nothing subtracts their tokens.
if count == 0 then sum = 0 end
-- The key of an idle lane may have been replaced or revoked.
if firstCalls > 0 and count == 0 and inFlight == 0 and s.lastOk and not s.denied then
  s.denied = '0'
  redis.call('HSET', state, 'denied', 0)
end
-- A key may be wrong: the lane has not succeeded yet, or not since it was denied, parked, or idle. Interactive calls do not wait,
-- because the call that finds out is one of them.
-- Each denial takes away a place, because the lane may be parked after it.
local isUnproven = firstCalls > 0 and (not s.lastOk or s.denied)
local firstPlaces = math.max(1, firstCalls - (tonumber(s.denied) or 0))
local ratio, nextAt = tonumber(s.ratio) or 1, tonumber(s.nextAt) or 0
-- Never below the estimate: cheap calls so far do not guarantee that this one is cheap. And far above it until enough
-- calls have reported their cost: a whole window of estimates that are all too low would exceed the limit by far. With
-- even pacing only a call or two are in flight, and their cost is known in time.
local factor = math.max(1, ratio)
local reports = tonumber(s.reports) or 0
if (rateOf['tokens:second'] or rateOf.tokens or rateOf['tokens:hour'] or rateOf['tokens:day']) and not even and reports < 20 then factor = reports == 0 and 3 or factor * (1 + 1 / reports) end
-- What is used of each limit. A second is counted from the grants: if a call counted until its end or for the longest
-- transit, as in the other windows, most of the limit would stay unused.
local longUse, passed = nil, {}
for _, rate in ipairs(rates) do
  if rate.window == 'minute' then rate.used = rate.dimension == 'requests' and count or sum
  elseif rate.window == 'second' then
    rate.used = rate.dimension == 'requests' and redis.call('ZCARD', recent)
      or sumCosts(costs, redis.call('ZRANGE', recent, 0, -1))
  else
    if not longUse then longUse, passed = readLong(long, windowMs, now) end
    rate.used = longUse[rate.name].sum
  end
end
forEachChunk(passed, function(...) redis.call('HDEL', long, ...) end)
-- What is left of a limit of more than a minute; nil without such a limit.
local function findQuota(dimension)
  local left, resetAt = tonumber(s['quotaLeft:' .. dimension]), tonumber(s['quotaResetAt:' .. dimension])
  return left and resetAt > now and left or nil
end
local quotaRequests, quotaTokens = findQuota('requests'), findQuota('tokens')
-- An interactive call was refused and will ask again: bulk calls yield to it.
local yields = (tonumber(s.interactive) or 0) > now
local reason, refused = '', {}
local arrivals, grants, estimates, leases, total = {}, {}, {}, {}, 0

-- A call larger than the whole window can only be made alone; the provider then decides.
local function amountOf(rate, cost) return rate.dimension == 'requests' and 1 or math.min(cost, rate.limit) end

for i = first + granted, #ARGV do
  local id, estimate = prefix .. ':' .. (i - first + 1), tonumber(ARGV[i])
  local cost = math.ceil(estimate * factor)
  local usedUp = quotaRequests and quotaRequests < 1 and 'requests' or quotaTokens and quotaTokens < 1 and 'tokens'
  if usedUp then
    pausedUntil = tonumber(s['quotaResetAt:' .. usedUp])
    s.pauseReason = 'throttled: the provider\'s limit of ' .. s['quota:' .. usedUp] .. ' ' .. usedUp .. ' is used up'
    redis.call('HSET', state, 'pausedUntil', pausedUntil, 'pauseReason', s.pauseReason)
    reason = 'snoozed'
  elseif yields and i - first >= interactive then reason = 'interactive'
  elseif concurrency > 0 and inFlight >= concurrency then reason = 'concurrency'
  elseif isUnproven and inFlight >= firstPlaces and i - first >= interactive then reason = 'concurrency'
  else
    for _, rate in ipairs(rates) do
      rate.need = amountOf(rate, cost)
      if rate.used + rate.need > rate.limit then refused[#refused + 1] = rate end
    end
    if #refused > 0 then reason = refused[1].dimension
    elseif even and nextAt > now then reason = 'pacing' end
  end
  if reason ~= '' then break end
  arrivals[#arrivals + 1] = now + transitMs
  arrivals[#arrivals + 1] = id
  grants[#grants + 1] = now
  grants[#grants + 1] = id
  estimates[#estimates + 1] = id
  estimates[#estimates + 1] = cost .. ':' .. estimate .. ':' .. now
  leases[#leases + 1] = now + leaseMs
  leases[#leases + 1] = id
  total = total + cost
  granted, count, inFlight, sum = granted + 1, count + 1, inFlight + 1, sum + cost
  for _, rate in ipairs(rates) do rate.used = rate.used + (rate.dimension == 'requests' and 1 or cost) end
  if quotaRequests then quotaRequests = quotaRequests - 1 end
  if quotaTokens then quotaTokens = math.max(0, quotaTokens - cost) end
  if even then
    local gap = 0
    for _, rate in ipairs(rates) do
      -- Spaced by the real cost of calls: too high an estimate would leave the lane idle permanently.
      local share = rate.dimension == 'requests' and 1 / rate.limit or math.min(1, estimate * ratio / rate.limit)
      if rate.window == 'minute' then gap = math.max(gap, share * windowMs)
      elseif rate.window == 'second' then gap = math.max(gap, share * secondMs) end
    end
    -- Counting from the planned time, not from now, keeps timer delays from adding up. Only typical timer delays are
    -- made up for: after a pause the next two grants must not come together.
    nextAt = math.max(nextAt, now - math.min(gap, math.max(gap * 0.1, 20))) + gap
  end
end
forEachChunk(arrivals, function(...) redis.call('ZADD', window, ...) end)
forEachChunk(grants, function(...) redis.call('ZADD', recent, ...) end)
forEachChunk(estimates, function(...) redis.call('HSET', costs, ...) end)
forEachChunk(leases, function(...) redis.call('ZADD', flight, ...) end)
if total > 0 or #grants > 0 then addLong(long, windowMs, now + transitMs, #grants / 2, total) end

-- When enough has left a window for the refused call. Only the oldest 200 calls are read: beyond them the wait is too short
-- rather than too long, and the caller asks again.
local function findFreeAt(rate)
  local excess, at = rate.used + rate.need - rate.limit, now
  if LONG_WINDOWS[rate.window] then
    for _, step in ipairs(longUse[rate.name].steps) do
      excess, at = excess - step.amount, step.leavesAt
      if excess <= 0 then return at end
    end
    local lengthMs = windowMs * LONG_WINDOWS[rate.window]
    return now + transitMs + lengthMs * (1 + 1 / LONG_STEPS)
  end
  local key, lengthMs = window, windowMs
  if rate.window == 'second' then key, lengthMs = recent, secondMs end
  if rate.dimension == 'requests' then
    local oldest = redis.call('ZRANGE', key, excess - 1, excess - 1, 'WITHSCORES')
    return tonumber(oldest[2]) + lengthMs
  end
  local ids, oldest = {}, redis.call('ZRANGE', key, 0, 199, 'WITHSCORES')
  at = now + lengthMs
  for k = 1, #oldest, 2 do ids[#ids + 1] = oldest[k] end
  local spent = #ids > 0 and redis.call('HMGET', costs, unpack(ids)) or {}
  for k = 1, #spent do
    excess = excess - parseCost(spent[k])
    at = tonumber(oldest[2 * k]) + lengthMs
    if excess <= 0 then break end
  end
  return at
end

local waitMs = -1
if reason == 'interactive' then waitMs = yieldMs
elseif reason == 'snoozed' then waitMs = pausedUntil - now
elseif reason == 'pacing' then waitMs = nextAt - now
else
  for _, rate in ipairs(refused) do
    local rateWait = findFreeAt(rate) - now
    if rateWait > waitMs then
      waitMs, reason = rateWait, rate.dimension
      -- A lane that waits for an hour or a day is snoozed, so that everybody sees why, and nobody asks meanwhile.
      local isUsedUp = rate.dimension == 'requests' or rate.used >= rate.limit * 0.95
      if LONG_WINDOWS[rate.window] and isUsedUp and rateWait > windowMs then
        pausedUntil = math.ceil(now + rateWait)
        s.pauseReason = 'throttled: the limit of ' .. rate.limit .. ' ' .. rate.dimension .. ' per ' .. rate.window .. ' is used up'
        redis.call('HSET', state, 'pausedUntil', pausedUntil, 'pauseReason', s.pauseReason)
        reason = 'snoozed'
      end
    end
  end
end

if granted < interactive then
  redis.call('HSET', state, 'interactive', now + math.min(math.max(waitMs, 0), maxPauseMs) + holdMs)
elseif interactive > 0 and s.interactive then
  redis.call('HDEL', state, 'interactive')
end
redis.call('HSET', state, 'sum', sum, 'nextAt', nextAt)
if quotaRequests then redis.call('HSET', state, 'quotaLeft:requests', quotaRequests) end
if quotaTokens then redis.call('HSET', state, 'quotaLeft:tokens', quotaTokens) end
redis.call('PEXPIRE', window, windowMs * 2 + transitMs)
redis.call('PEXPIRE', costs, windowMs * 2 + transitMs)
redis.call('PEXPIRE', flight, math.max(leaseMs * 2, windowMs))
redis.call('PEXPIRE', recent, secondMs * 2)
if waitMs >= 0 then waitMs = math.max(1, math.ceil(waitMs)) end
return reply(reason, waitMs, reason == 'snoozed' and s.pauseReason or '')
