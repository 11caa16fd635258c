--[[
  Report what a lane uses at this moment. Reads only.

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
  Returns names and values: the use of every limit by its name, such as requests, requests:second, and concurrency; snoozeMs,
    throttles, faultStreak; and, where they exist, minuteFreesMs (until the oldest call leaves the minute), parked, pauseReason, hanging
    (JSON: the reports of all workers together), and per limit learned:, manual:, and reported:NAME, and
    quota:, quotaLeft:, and quotaResetMs:DIMENSION.
--]]
local windowMs, secondMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local window, costs, flight, recent, long, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local s = readFields(state, addLimitFields({ 'now', 'skew', 'sum', 'pausedUntil', 'parked', 'pauseReason', 'throttles',
  'faults', 'hanging', 'quota:requests', 'quotaLeft:requests', 'quotaResetAt:requests', 'quota:tokens', 'quotaLeft:tokens',
  'quotaResetAt:tokens' }, 'manual:', 'reported:'))
local now = readTime(s)
local used = redis.call('ZCOUNT', window, '(' .. (now - windowMs), '+inf')
local sum = 0
if used > 0 then
  sum = (tonumber(s.sum) or 0) - sumCosts(costs, redis.call('ZRANGEBYSCORE', window, '-inf', now - windowMs))
end
local lastSecond = redis.call('ZRANGEBYSCORE', recent, '(' .. (now - secondMs), '+inf')
local longUse = readLong(long, windowMs, now)

local reply = {
  'requests', used,
  'tokens', math.max(0, math.floor(sum)),
  'concurrency', redis.call('ZCOUNT', flight, '(' .. now, '+inf'),
  'requests:second', #lastSecond,
  'tokens:second', sumCosts(costs, lastSecond),
  'requests:hour', longUse['requests:hour'].sum,
  'requests:day', longUse['requests:day'].sum,
  'tokens:hour', longUse['tokens:hour'].sum,
  'tokens:day', longUse['tokens:day'].sum,
  'snoozeMs', math.max(0, (tonumber(s.pausedUntil) or 0) - now),
  'throttles', tonumber(s.throttles) or 0,
  'faultStreak', tonumber(s.faults) or 0,
}
local function add(name, value)
  if value == nil then return end
  reply[#reply + 1] = name
  reply[#reply + 1] = value
end
local hanging
for _, report in pairs(decodeHanging(s.hanging, now)) do
  hanging = hanging or { calls = 0, limitMs = 0, usualMs = 0, aborted = 0 }
  for name, value in pairs(hanging) do
    hanging[name] = (name == 'calls' or name == 'aborted') and value + report[name] or math.max(value, report[name])
  end
end
add('hanging', hanging and cjson.encode(hanging))
add('parked', s.parked)
add('pauseReason', s.pauseReason)
for _, name in ipairs(addLimitFields({}, '')) do
  local learned = computeLearnedLimit(state, name, now)
  add('learned:' .. name, learned and tostring(learned))
  add('manual:' .. name, s['manual:' .. name])
  add('reported:' .. name, s['reported:' .. name])
  local resetAt = tonumber(s['quotaResetAt:' .. name]) or 0
  if resetAt > now then
    add('quota:' .. name, s['quota:' .. name])
    add('quotaLeft:' .. name, s['quotaLeft:' .. name])
    add('quotaResetMs:' .. name, resetAt - now)
  end
end
local oldest = redis.call('ZRANGEBYSCORE', window, '(' .. (now - windowMs), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
add('minuteFreesMs', oldest and math.max(0, math.ceil(tonumber(oldest) + windowMs - now)))
return reply
