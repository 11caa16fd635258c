--[[
  Record that the provider refused a call for its rate: snooze the lane and lower the learned limit.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 flight      zset reservation -> end of lease (epoch ms)
    3 state       hash
  ARGV
    1 dimension   requests | tokens | concurrency
    2 limit       configured limit of that dimension, 0 = none; see findAllowedLimit
    3 retryAfter  ms that the provider asked for, -1 = it did not say
    4 grantedAt   when the refused call's reservation was granted (epoch ms)
    5 windowMs    length of the provider's window, margin included
    6 reason      why, shown to users
  Returns for how many ms the lane is snoozed.

  Many calls in flight may be refused together: only a call granted after the last cut leads to another cut.
--]]
local dimension, limit, retryAfter, grantedAt = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local windowMs, reason = tonumber(ARGV[5]), ARGV[6]
-- A provider that asks for more than ten minutes means a quota, which says nothing about the rate.
local isQuota = retryAfter > 600000
local window, flight, state = KEYS[1], KEYS[2], KEYS[3]

local cutAt = 'cutAt:' .. dimension
local s = readFields(state, { 'now', 'skew', 'throttleStreak', 'pausedUntil', 'sum', cutAt, 'manual:' .. dimension,
  'reported:' .. dimension })
limit = findAllowedLimit(s, dimension, limit)
local now, skew = readTime(s)
local streak, pausedUntil = tonumber(s.throttleStreak) or 0, tonumber(s.pausedUntil) or 0
redis.call('HINCRBY', state, 'throttles', 1)

if not isQuota and grantedAt > (tonumber(s[cutAt]) or 0) then
  streak = streak + 1
  local base
  if dimension == 'concurrency' then
    base = redis.call('ZCOUNT', flight, now, '+inf') + 1
  else
    -- The rate at which the lane was calling when it was refused: a burst of 50 calls in the first second says nothing
    -- about a limit of 50 per minute.
    local used = dimension == 'requests' and redis.call('ZCARD', window) or tonumber(s.sum) or 0
    local oldest = redis.call('ZRANGE', window, 0, 0, 'WITHSCORES')
    local elapsed = math.min(windowMs, math.max(1000, now - (tonumber(oldest[2]) or now)))
    base = used * windowMs / elapsed
  end
  if limit > 0 then base = math.min(base, limit) end
  -- The limit in force is what it has grown to since the last cut; starting from less, each cut would go deeper.
  local learned = computeLearnedLimit(state, dimension, now)
  if learned then base = math.min(base, learned) end
  redis.call('HSET', state, 'learned:' .. dimension, math.max(1, base * 0.7), 'peak:' .. dimension, math.max(1, base),
    cutAt, now, 'throttleStreak', streak)
end
local pause = retryAfter >= 0 and retryAfter or math.min(60000, 500 * 2 ^ math.min(math.max(streak, 1) - 1, 7))
if now + pause > pausedUntil then
  pausedUntil = now + pause
  redis.call('HSET', state, 'pausedUntil', pausedUntil, 'pauseReason', reason)
end
redis.call('HSET', state, 'now', now, 'skew', skew)
redis.call('PEXPIRE', state, STATE_TTL_MS)
return math.max(0, pausedUntil - now)
