--[[
  Grant a prefix of the wanted reservations of a lane, or say what to wait for.

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
    5 even        1 = grants keep a distance of window / limit
    6 transitMs   longest time from grant to arrival
    7 leaseMs     life of a reservation that nobody renews
    8 prefix      reservations are named prefix:1, prefix:2, ...
    9 interactive      so many of the first are waited for by people: others yield while one of these is refused
    10 holdMs     for how long after their next question the others yield
    11 pauseMs    the longest until that question
    12 yieldMs    when those who yield should ask again
    rest          estimated tokens, one per wanted reservation
  Returns { granted, now, reason, waitMs, detail }
    reason is '' when all were granted; waitMs is -1 when only the end of another call helps.

  Running it again with the same prefix (a reply was lost) grants nothing twice: names already in flight are
  counted as granted. The clock is Redis's own, so workers' clocks need not agree; it never runs backwards here:
  after a step back it goes on from where it was, at the same pace.
--]]
local windowMs, requests, tokens, concurrency = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local even, transitMs, leaseMs, prefix = ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local interactive, holdMs, pauseMs, yieldMs = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local first = 13
local window, costs, flight, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local time = redis.call('TIME')
local s = redis.call('HMGET', state, 'now', 'skew', 'parked', 'pausedUntil', 'pauseReason', 'sum', 'nextAt', 'faults', 'ratio',
  'setRequests', 'setTokens', 'setConcurrency', 'reports', 'interactive')
-- What a person set wins over what the caller's configuration says.
requests, tokens, concurrency = tonumber(s[10]) or requests, tonumber(s[11]) or tokens, tonumber(s[12]) or concurrency
local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[1]) or 0
local now = clock >= last and clock or math.max(last, clock + (tonumber(s[2]) or 0))
redis.call('HSET', state, 'now', now, 'skew', now - clock)
redis.call('PEXPIRE', state, 604800000)

local granted, wanted = 0, #ARGV - first + 1
while granted < wanted and redis.call('ZSCORE', flight, prefix .. ':' .. (granted + 1)) do granted = granted + 1 end
if granted == wanted then return { granted, now, '', -1, '' } end
if s[3] then return { granted, now, 'parked', -1, s[3] } end
local pausedUntil = tonumber(s[4]) or 0
if pausedUntil > now then return { granted, now, 'snoozed', pausedUntil - now, s[5] or '' } end

-- A learned limit starts at a cut and grows back by the second: additive increase, whether or not calls succeed
-- meanwhile, because a limit cut too low would never see a success to grow by.
local function limit(allowed, name, step)
  local l = redis.call('HMGET', state, 'learned' .. name, 'peak' .. name, 'cutAt' .. name)
  if not l[1] then return allowed end
  local peak = tonumber(l[2])
  local learned = tonumber(l[1]) + math.max(step, peak * 0.01) * math.max(0, now - tonumber(l[3])) / 1000
  local ceiling = allowed > 0 and allowed or peak * 10
  if learned >= ceiling then
    redis.call('HDEL', state, 'learned' .. name, 'peak' .. name, 'cutAt' .. name)
    return allowed
  end
  return math.max(1, math.floor(learned))
end
requests, tokens = limit(requests, 'Requests', 1), limit(tokens, 'Tokens', 100)
concurrency = limit(concurrency, 'Concurrency', 0.2)
-- While the lane is out, one probe at a time: a storm of calls would neither help the provider nor tell us more.
if (tonumber(s[8]) or 0) >= 5 then concurrency = 1 end

-- A command for many reservations costs Redis little more than one for a single one; in pieces, because unpack() takes
-- no more than some thousands of values.
local function each(values, work)
  for from = 1, #values, 1000 do work(unpack(values, from, math.min(from + 999, #values))) end
end
local function tokensOf(cost) return tonumber(string.match(cost or '', '^%d+')) or 0 end

local sum = tonumber(s[6]) or 0
local gone = redis.call('ZRANGEBYSCORE', window, '-inf', now - windowMs, 'LIMIT', 0, 5000)
each(gone, function(...)
  for _, cost in ipairs(redis.call('HMGET', costs, ...)) do sum = sum - tokensOf(cost) end
  redis.call('HDEL', costs, ...)
  redis.call('ZREM', window, ...)
end)
redis.call('ZREMRANGEBYSCORE', flight, '-inf', now)

local count, inFlight = redis.call('ZCARD', window), redis.call('ZCARD', flight)
-- On an idle lane window and costs expire as whole keys, and nothing subtracts what they held.
if count == 0 then sum = 0 end
local ratio, nextAt = tonumber(s[9]) or 1, tonumber(s[7]) or 0
-- Never below the estimate: that calls cost less so far is no promise that this one will. And far above it until
-- enough calls have said what they cost: a whole window of estimates that are all too low would be far over. Even
-- pacing never has more than a call or two under way, and hears of their cost in time.
local factor = math.max(1, ratio)
local reports = tonumber(s[13]) or 0
if tokens > 0 and not even and reports < 20 then factor = reports == 0 and 3 or factor * (1 + 1 / reports) end
-- Somebody waits for a call of theirs: what nobody waits for lets it go first.
local yields = (tonumber(s[14]) or 0) > now
local reason, need = '', 0
local entries, priced, flying = {}, {}, {}

for i = first + granted, #ARGV do
  local id, estimate = prefix .. ':' .. (i - first + 1), tonumber(ARGV[i])
  local cost = math.ceil(estimate * factor)
  -- A call larger than the whole window can only go alone; the provider then decides.
  need = tokens > 0 and math.min(cost, tokens) or cost
  if yields and i - first >= interactive then reason = 'interactive'
  elseif concurrency > 0 and inFlight >= concurrency then reason = 'concurrency'
  elseif requests > 0 and count >= requests then reason = 'requests'
  elseif tokens > 0 and sum + need > tokens then reason = 'tokens'
  elseif even and nextAt > now then reason = 'pacing' end
  if reason ~= '' then break end
  entries[#entries + 1] = now + transitMs
  entries[#entries + 1] = id
  priced[#priced + 1] = id
  priced[#priced + 1] = cost .. ':' .. estimate
  flying[#flying + 1] = now + leaseMs
  flying[#flying + 1] = id
  count, inFlight, sum, granted = count + 1, inFlight + 1, sum + cost, granted + 1
  if even then
    local gap = 0
    if requests > 0 then gap = windowMs / requests end
    -- Paced by what calls really cost, or too high an estimate would leave the lane idle for good.
    if tokens > 0 then gap = math.max(gap, math.min(1, estimate * ratio / tokens) * windowMs) end
    -- Counting from the planned instant, not from now, keeps timer delays from adding up. Only as much is made up
    -- for as timers are late by: after a pause the next two grants must not come together.
    nextAt = math.max(nextAt, now - math.min(gap, math.max(gap * 0.1, 20))) + gap
  end
end
each(entries, function(...) redis.call('ZADD', window, ...) end)
each(priced, function(...) redis.call('HSET', costs, ...) end)
each(flying, function(...) redis.call('ZADD', flight, ...) end)

local waitMs = -1
if reason == 'interactive' then waitMs = yieldMs
elseif reason == 'pacing' then waitMs = nextAt - now
elseif reason == 'requests' then
  local oldest = redis.call('ZRANGE', window, count - requests, count - requests, 'WITHSCORES')
  waitMs = tonumber(oldest[2]) + windowMs - now
elseif reason == 'tokens' then
  -- Beyond 200 calls the answer is too early rather than too late; the caller then asks again.
  local excess, at, ids = sum + need - tokens, now + windowMs, {}
  local oldest = redis.call('ZRANGE', window, 0, 199, 'WITHSCORES')
  for k = 1, #oldest, 2 do ids[#ids + 1] = oldest[k] end
  local spent = #ids > 0 and redis.call('HMGET', costs, unpack(ids)) or {}
  for k = 1, #spent do
    excess = excess - tokensOf(spent[k])
    at = tonumber(oldest[2 * k]) + windowMs
    if excess <= 0 then break end
  end
  waitMs = at - now
end

if granted < interactive then
  redis.call('HSET', state, 'interactive', now + math.min(math.max(waitMs, 0), pauseMs) + holdMs)
elseif interactive > 0 and s[14] then
  redis.call('HDEL', state, 'interactive')
end
redis.call('HSET', state, 'sum', sum, 'nextAt', nextAt)
redis.call('PEXPIRE', window, windowMs * 2 + transitMs)
redis.call('PEXPIRE', costs, windowMs * 2 + transitMs)
redis.call('PEXPIRE', flight, math.max(leaseMs * 2, windowMs))
if waitMs >= 0 then waitMs = math.max(1, math.ceil(waitMs)) end
return { granted, now, reason, waitMs, '' }
