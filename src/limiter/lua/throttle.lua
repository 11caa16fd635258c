--[[
  Record that the provider refused a call for its rate. If such refusals are rare on this lane, nothing else happens.
  Otherwise the lane is snoozed, and the learned limit is lowered.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate:grantedAt" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 recent      zset reservation -> when it was granted (epoch ms)
    5 long        hash of the last hour and day; see readLong
    6 state       hash
  ARGV
    1 dimension   requests | tokens | concurrency, as the refusal names it
    2 ofWindow    second | minute | hour | day, or '' if the refusal names none
    3 retryAfter  ms that the provider asked for, -1 = it did not say
    4 grantedAt   when the refused call's reservation was granted (epoch ms)
    5 reason      why, shown to users
    6 windowMs    a minute, margin included
    7 secondMs    a second, with its margin
    8 requests    allowed per minute, 0 = none; see findAllowedLimit
    9 tokens      allowed per minute
    10 concurrency allowed in flight
    11 requestsPerSecond
    12 requestsPerHour
    13 requestsPerDay
    14 tokensPerSecond
    15 tokensPerHour
    16 tokensPerDay
  Returns for how many ms the lane is snoozed; 0 if only the refused call has to wait.

  Many calls in flight may be refused together: only a call granted after the last cut leads to another cut.
--]]
local dimension, ofWindow, retryAfter, grantedAt = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local reason, windowMs, secondMs = ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local configured = { requests = tonumber(ARGV[8]), tokens = tonumber(ARGV[9]), concurrency = tonumber(ARGV[10]),
  ['requests:second'] = tonumber(ARGV[11]), ['requests:hour'] = tonumber(ARGV[12]), ['requests:day'] = tonumber(ARGV[13]),
  ['tokens:second'] = tonumber(ARGV[14]), ['tokens:hour'] = tonumber(ARGV[15]), ['tokens:day'] = tonumber(ARGV[16]) }
local window, costs, flight, recent, long, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
-- A provider that asks for more than ten minutes means a quota, which says nothing about the rate.
local QUOTA_WAIT_MS = 600000
-- A provider that asks for this much or more knows why; a random refusal asks for a second or two.
local DEFINITE_WAIT_MS = 10000
-- How long to wait for a limit of an hour or a day if the provider does not say.
local LONG_WAIT_MS = { hour = 300000, day = 3600000 }

local s = readFields(state, addLimitFields({ 'now', 'skew', 'throttleStreak', 'pausedUntil', 'sum', 'patience', 'refusedAt',
  'refusedSince', 'okGrantedAt', 'okFlight', 'foreign:requests', 'foreign:tokens' }, 'manual:', 'reported:', 'cutAt:'))
local now, skew = readTime(s)
local streak, pausedUntil = tonumber(s.throttleStreak) or 0, tonumber(s.pausedUntil) or 0
-- When the refusals began that have not stopped for a minute since.
local refusedSince = tonumber(s.refusedSince) or now
if now - (tonumber(s.refusedAt) or 0) > windowMs then refusedSince = now end
redis.call('HINCRBY', state, 'throttles', 1)
redis.call('HSET', state, 'refusedAt', now, 'refusedSince', refusedSince)

local function measureUse(name)
  local counted, counting = splitLimitName(name)
  if counting == 'minute' then return counted == 'requests' and redis.call('ZCARD', window) or tonumber(s.sum) or 0 end
  if counting == 'second' then
    local ids = redis.call('ZRANGEBYSCORE', recent, '(' .. (now - secondMs), '+inf')
    return counted == 'requests' and #ids or sumCosts(costs, ids)
  end
  return readLong(long, windowMs, now)[name].sum
end

-- The window that a refusal refers to which names none: one whose limit is known and almost used up; or a second, if calls
-- have been accepted within the minute in which refusals began; or else a minute.
local function inferWindow()
  local best, fullest = nil, 0.9
  for _, name in ipairs(RATE_LIMITS) do
    local counted, counting = splitLimitName(name)
    local limit = counted == dimension and findAllowedLimit(s, name, configured[name]) or 0
    local share = limit > 0 and measureUse(name) / limit or 0
    if share > fullest or (share == fullest and not best) then best, fullest = counting, share end
  end
  if best then return best end
  local isAcceptedSince = (tonumber(s.okGrantedAt) or 0) > refusedSince + secondMs
  return isAcceptedSince and now - refusedSince < windowMs and 'second' or 'minute'
end

local inFlight = redis.call('ZCOUNT', flight, now, '+inf') + 1
-- Some providers word every limit as one of concurrency. As many calls in flight have been accepted: it is another limit.
if dimension == 'concurrency' and inFlight <= (tonumber(s.okFlight) or 0) then dimension = 'requests' end
if dimension ~= 'concurrency' and ofWindow == '' then ofWindow = inferWindow() end
local name = joinLimitName(dimension, ofWindow)
local isLong = dimension ~= 'concurrency' and LONG_WAIT_MS[ofWindow] ~= nil
local isQuota = isLong or retryAfter > QUOTA_WAIT_MS

-- A refusal by a limit that is almost used up is hardly random, and counts more.
local patience, price = tonumber(s.patience) or 0, 1
local known = findAllowedLimit(s, name, configured[name] or 0)
if known > 0 then
  local used = dimension == 'concurrency' and inFlight or measureUse(name) + (tonumber(s['foreign:' .. name]) or 0)
  if used >= known * 0.8 then price = 3 end
end
local function keepState()
  redis.call('HSET', state, 'now', now, 'skew', skew)
  redis.call('PEXPIRE', state, STATE_TTL_MS)
end
if patience >= price and not isQuota and retryAfter < DEFINITE_WAIT_MS and pausedUntil <= now then
  redis.call('HSET', state, 'patience', patience - price)
  keepState()
  return 0
end

if not isQuota and grantedAt > (tonumber(s['cutAt:' .. name]) or 0) then
  streak = streak + 1
  local base
  if dimension == 'concurrency' then
    base = inFlight
    redis.call('HDEL', state, 'okFlight')
  elseif ofWindow == 'second' then base = measureUse(name)
  else
    -- The rate at which the lane was calling when it was refused: a burst of 50 calls in the first second says nothing
    -- about a limit of 50 per minute.
    local oldest = redis.call('ZRANGE', window, 0, 0, 'WITHSCORES')
    local elapsed = math.min(windowMs, math.max(1000, now - (tonumber(oldest[2]) or now)))
    base = measureUse(name) * windowMs / elapsed
  end
  local limit = findAllowedLimit(s, name, configured[name])
  if limit > 0 then base = math.min(base, limit) end
  -- The limit in force is what it has grown to since the last cut; starting from less, each cut would go deeper.
  local learned = computeLearnedLimit(state, name, now)
  if learned then base = math.min(base, learned) end
  redis.call('HSET', state, 'learned:' .. name, math.max(1, base * 0.7), 'peak:' .. name, math.max(1, base),
    'cutAt:' .. name, now, 'throttleStreak', streak)
end
local pause = retryAfter >= 0 and retryAfter
  or (isLong and LONG_WAIT_MS[ofWindow] or math.min(60000, 500 * 2 ^ math.min(math.max(streak, 1) - 1, 7)))
if now + pause > pausedUntil then
  pausedUntil = now + pause
  redis.call('HSET', state, 'pausedUntil', pausedUntil, 'pauseReason', reason)
end
keepState()
return math.max(0, pausedUntil - now)
