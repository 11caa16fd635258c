--[[
  The provider refused a call for its rate: pause the lane and lower the learned limit.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 flight      zset reservation -> end of lease (epoch ms)
    3 state       hash
  ARGV
    1 dimension   requests | tokens | concurrency
    2 limit       configured limit of that dimension, 0 = none; a limit that was set wins
    3 retryAfter  ms the provider asked for, -1 = it did not say
    4 grantedAt   when the refused call's reservation was granted (epoch ms)
    5 windowMs    length of the provider's window, margin included
  Returns { waitMs }

  Many calls in flight may be refused together: only a call granted after the last cut cuts again.
--]]
local dimension, limit, retryAfter, grantedAt = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local windowMs = tonumber(ARGV[5])
local window, flight, state = KEYS[1], KEYS[2], KEYS[3]
local names = { requests = 'Requests', tokens = 'Tokens', concurrency = 'Concurrency' }
local steps = { requests = 1, tokens = 100, concurrency = 0.2 }
local name = names[dimension]

local time = redis.call('TIME')
local s = redis.call('HMGET', state, 'now', 'cutAt' .. name, 'throttleStreak', 'pausedUntil', 'sum', 'skew', 'set' .. name)
limit = tonumber(s[7]) or limit
local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[1]) or 0
local now = clock >= last and clock or math.max(last, clock + (tonumber(s[6]) or 0))
local streak, pausedUntil = tonumber(s[3]) or 0, tonumber(s[4]) or 0
redis.call('HINCRBY', state, 'throttles', 1)

if grantedAt > (tonumber(s[2]) or 0) then
  streak = streak + 1
  local base
  if dimension == 'concurrency' then
    base = redis.call('ZCOUNT', flight, now, '+inf') + 1
  else
    -- What the lane was doing when it was refused, as a rate: a burst of 50 in the first second says nothing about
    -- a limit of 50 a minute.
    local used = dimension == 'requests' and redis.call('ZCARD', window) or tonumber(s[5]) or 0
    local oldest = redis.call('ZRANGE', window, 0, 0, 'WITHSCORES')
    local elapsed = math.min(windowMs, math.max(1000, now - (tonumber(oldest[2]) or now)))
    base = used * windowMs / elapsed
  end
  if limit > 0 then base = math.min(base, limit) end
  local l = redis.call('HMGET', state, 'learned' .. name, 'peak' .. name)
  -- What was in force is what it has grown to since the last cut; from less than that, each cut would go deeper.
  if l[1] then base = math.min(base, tonumber(l[1]) + math.max(steps[dimension], tonumber(l[2]) * 0.01) * (now - tonumber(s[2])) / 1000) end
  redis.call('HSET', state, 'learned' .. name, math.max(1, base * 0.7), 'peak' .. name, math.max(1, base),
    'cutAt' .. name, now, 'throttleStreak', streak)
end
-- Past ten minutes the provider's word is a quota, not a rate: the lane looks again by then.
local pause = retryAfter >= 0 and math.min(retryAfter, 600000) or math.min(60000, 500 * 2 ^ math.min(math.max(streak, 1) - 1, 7))
if now + pause > pausedUntil then
  pausedUntil = now + pause
  redis.call('HSET', state, 'pausedUntil', pausedUntil, 'pauseReason', 'throttled: ' .. dimension)
end
redis.call('HSET', state, 'now', now, 'skew', now - clock)
redis.call('PEXPIRE', state, 604800000)
return { math.max(0, pausedUntil - now) }
