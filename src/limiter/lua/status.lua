--[[
  Report what a lane uses at this moment. Reads only.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 state       hash
  ARGV
    1 windowMs    length of the provider's window, margin included
  Returns names and values: requests, tokens, concurrency (in use); snoozeMs, throttles, faultStreak; and, where they
    exist, minuteFreesMs (until the oldest call leaves the window), parked, pauseReason, and per dimension learned:, manual:, reported:, quota:, quotaLeft:, and quotaResetMs:DIMENSION.
--]]
local windowMs = tonumber(ARGV[1])
local window, costs, flight, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local s = readFields(state, { 'now', 'skew', 'sum', 'pausedUntil', 'parked', 'pauseReason', 'throttles', 'faults',
  'manual:requests', 'manual:tokens', 'manual:concurrency', 'reported:requests', 'reported:tokens', 'quota:requests',
  'quotaLeft:requests', 'quotaResetAt:requests', 'quota:tokens', 'quotaLeft:tokens', 'quotaResetAt:tokens' })
local now = readTime(s)
local used = redis.call('ZCOUNT', window, '(' .. (now - windowMs), '+inf')
local sum = 0
if used > 0 then
  sum = tonumber(s.sum) or 0
  forEachChunk(redis.call('ZRANGEBYSCORE', window, '-inf', now - windowMs), function(...)
    for _, cost in ipairs(redis.call('HMGET', costs, ...)) do sum = sum - parseCost(cost) end
  end)
end

local reply = {
  'requests', used,
  'tokens', math.max(0, math.floor(sum)),
  'concurrency', redis.call('ZCOUNT', flight, '(' .. now, '+inf'),
  'snoozeMs', math.max(0, (tonumber(s.pausedUntil) or 0) - now),
  'throttles', tonumber(s.throttles) or 0,
  'faultStreak', tonumber(s.faults) or 0,
}
local function add(name, value)
  if value == nil then return end
  reply[#reply + 1] = name
  reply[#reply + 1] = value
end
add('parked', s.parked)
add('pauseReason', s.pauseReason)
for dimension in pairs(GROWTH_PER_SECOND) do
  local learned = computeLearnedLimit(state, dimension, now)
  add('learned:' .. dimension, learned and tostring(learned))
  add('manual:' .. dimension, s['manual:' .. dimension])
  add('reported:' .. dimension, s['reported:' .. dimension])
  local resetAt = tonumber(s['quotaResetAt:' .. dimension]) or 0
  if resetAt > now then
    add('quota:' .. dimension, s['quota:' .. dimension])
    add('quotaLeft:' .. dimension, s['quotaLeft:' .. dimension])
    add('quotaResetMs:' .. dimension, resetAt - now)
  end
end
local oldest = redis.call('ZRANGEBYSCORE', window, '(' .. (now - windowMs), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
add('minuteFreesMs', oldest and math.max(0, math.ceil(tonumber(oldest) + windowMs - now)))
return reply
