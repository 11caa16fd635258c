--[[
  Grant the first of the wanted reservations of a lane, as many as its limits allow, or report what to wait for.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 state       hash
  ARGV
    1 windowMs    length of the provider's window, margin included
    2 requests    allowed per window, 0 = no known limit
    3 tokens      allowed per window, 0 = no known limit
    4 concurrency allowed in flight, 0 = no known limit
    5 even        1 = space grants by window / limit
    6 transitMs   longest time from grant to arrival
    7 leaseMs     lifetime of a reservation that is not renewed
    8 outageStreak faults in a row from which the lane is out
    9 prefix      reservations are named prefix:1, prefix:2, ...
    10 interactive how many of the first are interactive: bulk calls yield while one of these is refused
    11 holdMs     for how long after the next interactive request bulk calls yield
    12 maxPauseMs the longest time until that request
    13 yieldMs    when calls that yield should ask again
    14 soloMs     for how long a lane without any known limit makes one call at a time, until its first answer
    rest          estimated tokens, one per wanted reservation
  Returns names and values: granted, now, reason, waitMs, detail.
    reason is '' when all were granted; waitMs is -1 when only the end of another call helps.

  Running it again with the same prefix (after a lost reply) grants nothing twice: reservations that are in flight
  already count as granted.
--]]
local windowMs, requests, tokens, concurrency = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local even, transitMs, leaseMs, outageStreak = ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local prefix, interactive = ARGV[9], tonumber(ARGV[10])
local holdMs, maxPauseMs, yieldMs, soloMs = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local first = 15
local window, costs, flight, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local s = readFields(state, { 'now', 'skew', 'parked', 'pausedUntil', 'pauseReason', 'sum', 'nextAt', 'faults', 'ratio',
  'reports', 'interactive', 'manual:requests', 'manual:tokens', 'manual:concurrency', 'learned:requests', 'learned:tokens',
  'learned:concurrency', 'lastOk', 'answered', 'firstAt', 'reported:requests', 'reported:tokens', 'foreign:requests',
  'foreignUntil:requests', 'foreign:tokens', 'foreignUntil:tokens',
  'quota:requests', 'quotaLeft:requests', 'quotaResetAt:requests', 'quota:tokens', 'quotaLeft:tokens', 'quotaResetAt:tokens' })
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
if pausedUntil > now then return reply('snoozed', pausedUntil - now, s.pauseReason) end

-- What other programs use of the limit.
local function findForeignUse(dimension)
  local lastsUntil = tonumber(s['foreignUntil:' .. dimension]) or 0
  return lastsUntil > now and tonumber(s['foreign:' .. dimension]) or 0
end

-- What other programs use is subtracted from the allowed limit. A learned limit, which was learned beside them, lowers the rest
-- until it has grown back.
local function limitOf(dimension, configured)
  local allowed = findAllowedLimit(s, dimension, configured)
  local free = allowed > 0 and math.max(1, math.floor(allowed - findForeignUse(dimension))) or 0
  if not s['learned:' .. dimension] then return free end
  local learned, peak = computeLearnedLimit(state, dimension, now)
  if learned >= (allowed > 0 and allowed or peak * 10) then
    forgetLearnedLimit(state, dimension)
    return free
  end
  learned = math.max(1, math.floor(learned))
  return free > 0 and math.min(free, learned) or learned
end
requests, tokens = limitOf('requests', requests), limitOf('tokens', tokens)
concurrency = limitOf('concurrency', concurrency)
-- The first answer may report the limits. Until then, many calls at once would only be refused.
if requests == 0 and tokens == 0 and concurrency == 0 and not s.answered and not s.lastOk then
  local firstAt = tonumber(s.firstAt) or now
  if not s.firstAt then redis.call('HSET', state, 'firstAt', now) end
  if now < firstAt + soloMs then concurrency = 1 end
end
-- While the lane is out, one probe at a time: more calls would neither help the provider nor tell us more.
if (tonumber(s.faults) or 0) >= outageStreak then concurrency = 1 end

local sum = tonumber(s.sum) or 0
local expired = redis.call('ZRANGEBYSCORE', window, '-inf', now - windowMs, 'LIMIT', 0, 5000)
forEachChunk(expired, function(...)
  for _, cost in ipairs(redis.call('HMGET', costs, ...)) do sum = sum - parseCost(cost) end
  redis.call('HDEL', costs, ...)
  redis.call('ZREM', window, ...)
end)
redis.call('ZREMRANGEBYSCORE', flight, '-inf', now)

local count, inFlight = redis.call('ZCARD', window), redis.call('ZCARD', flight)
-- On an idle lane the keys window and costs expire as a whole, and nothing subtracts their tokens.
if count == 0 then sum = 0 end
local ratio, nextAt = tonumber(s.ratio) or 1, tonumber(s.nextAt) or 0
-- Never below the estimate: cheap calls so far do not guarantee that this one is cheap. And far above it until enough
-- calls have reported their cost: a whole window of estimates that are all too low would exceed the limit by far. With
-- even pacing only a call or two are in flight, and their cost is known in time.
local factor = math.max(1, ratio)
local reports = tonumber(s.reports) or 0
if tokens > 0 and not even and reports < 20 then factor = reports == 0 and 3 or factor * (1 + 1 / reports) end
-- What is left of a limit of more than a minute; nil without such a limit.
local function findQuota(dimension)
  local left, resetAt = tonumber(s['quotaLeft:' .. dimension]), tonumber(s['quotaResetAt:' .. dimension])
  return left and resetAt > now and left or nil
end
local quotaRequests, quotaTokens = findQuota('requests'), findQuota('tokens')
-- An interactive call was refused and will ask again: bulk calls yield to it.
local yields = (tonumber(s.interactive) or 0) > now
local reason, need = '', 0
local arrivals, estimates, leases = {}, {}, {}

for i = first + granted, #ARGV do
  local id, estimate = prefix .. ':' .. (i - first + 1), tonumber(ARGV[i])
  local cost = math.ceil(estimate * factor)
  -- A call larger than the whole window can only be made alone; the provider then decides.
  need = tokens > 0 and math.min(cost, tokens) or cost
  local usedUp = quotaRequests and quotaRequests < 1 and 'requests' or quotaTokens and quotaTokens < 1 and 'tokens'
  if usedUp then
    pausedUntil = tonumber(s['quotaResetAt:' .. usedUp])
    s.pauseReason = 'throttled: the provider\'s limit of ' .. s['quota:' .. usedUp] .. ' ' .. usedUp .. ' is used up'
    redis.call('HSET', state, 'pausedUntil', pausedUntil, 'pauseReason', s.pauseReason)
    reason = 'snoozed'
  elseif yields and i - first >= interactive then reason = 'interactive'
  elseif concurrency > 0 and inFlight >= concurrency then reason = 'concurrency'
  elseif requests > 0 and count >= requests then reason = 'requests'
  elseif tokens > 0 and sum + need > tokens then reason = 'tokens'
  elseif even and nextAt > now then reason = 'pacing' end
  if reason ~= '' then break end
  arrivals[#arrivals + 1] = now + transitMs
  arrivals[#arrivals + 1] = id
  estimates[#estimates + 1] = id
  estimates[#estimates + 1] = cost .. ':' .. estimate
  leases[#leases + 1] = now + leaseMs
  leases[#leases + 1] = id
  count, inFlight, sum, granted = count + 1, inFlight + 1, sum + cost, granted + 1
  quotaRequests, quotaTokens = quotaRequests and quotaRequests - 1, quotaTokens and quotaTokens - cost
  if even then
    local gap = 0
    if requests > 0 then gap = windowMs / requests end
    -- Spaced by the real cost of calls: too high an estimate would leave the lane idle permanently.
    if tokens > 0 then gap = math.max(gap, math.min(1, estimate * ratio / tokens) * windowMs) end
    -- Counting from the planned time, not from now, keeps timer delays from adding up. Only typical timer delays are
    -- made up for: after a pause the next two grants must not come together.
    nextAt = math.max(nextAt, now - math.min(gap, math.max(gap * 0.1, 20))) + gap
  end
end
forEachChunk(arrivals, function(...) redis.call('ZADD', window, ...) end)
forEachChunk(estimates, function(...) redis.call('HSET', costs, ...) end)
forEachChunk(leases, function(...) redis.call('ZADD', flight, ...) end)

local waitMs = -1
if reason == 'interactive' then waitMs = yieldMs
elseif reason == 'snoozed' then waitMs = pausedUntil - now
elseif reason == 'pacing' then waitMs = nextAt - now
elseif reason == 'requests' then
  local oldest = redis.call('ZRANGE', window, count - requests, count - requests, 'WITHSCORES')
  waitMs = tonumber(oldest[2]) + windowMs - now
elseif reason == 'tokens' then
  -- Only the oldest 200 calls are read: beyond them the wait is too short rather than too long, and the caller asks
  -- again.
  local excess, at, ids = sum + need - tokens, now + windowMs, {}
  local oldest = redis.call('ZRANGE', window, 0, 199, 'WITHSCORES')
  for k = 1, #oldest, 2 do ids[#ids + 1] = oldest[k] end
  local spent = #ids > 0 and redis.call('HMGET', costs, unpack(ids)) or {}
  for k = 1, #spent do
    excess = excess - parseCost(spent[k])
    at = tonumber(oldest[2 * k]) + windowMs
    if excess <= 0 then break end
  end
  waitMs = at - now
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
if waitMs >= 0 then waitMs = math.max(1, math.ceil(waitMs)) end
return reply(reason, waitMs, reason == 'snoozed' and s.pauseReason or '')
