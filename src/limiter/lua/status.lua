--[[
  What a lane uses at this moment. Reads only.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 state       hash
  ARGV
    1 windowMs    length of the provider's window, margin included
  Returns { requests, tokens, inFlight, snoozeMs, parked, reason, learnedRequests, learnedTokens,
            learnedConcurrency, throttles, faults, setRequests, setTokens, setConcurrency }; absent figures are ''.
--]]
local windowMs = tonumber(ARGV[1])
local time = redis.call('TIME')
local s = redis.call('HMGET', KEYS[4], 'now', 'sum', 'pausedUntil', 'parked', 'pauseReason', 'throttles', 'faults', 'skew',
  'setRequests', 'setTokens', 'setConcurrency')
local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[1]) or 0
local now = clock >= last and clock or math.max(last, clock + (tonumber(s[8]) or 0))
local used = redis.call('ZCOUNT', KEYS[1], '(' .. (now - windowMs), '+inf')
local sum = used > 0 and tonumber(s[2]) or 0
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - windowMs)
if used == 0 then gone = {} end
for from = 1, #gone, 1000 do
  local costs = redis.call('HMGET', KEYS[2], unpack(gone, from, math.min(from + 999, #gone)))
  for _, cost in ipairs(costs) do sum = sum - (tonumber(string.match(cost or '', '^%d+')) or 0) end
end
local inFlight = redis.call('ZCOUNT', KEYS[3], '(' .. now, '+inf')
local snooze = math.max(0, (tonumber(s[3]) or 0) - now)
local function learned(name, step)
  local l = redis.call('HMGET', KEYS[4], 'learned' .. name, 'peak' .. name, 'cutAt' .. name)
  if not l[1] then return '' end
  return tostring(tonumber(l[1]) + math.max(step, tonumber(l[2]) * 0.01) * math.max(0, now - tonumber(l[3])) / 1000)
end
return { used, math.max(0, math.floor(sum)), inFlight, snooze, s[4] or '', s[5] or '', learned('Requests', 1),
  learned('Tokens', 100), learned('Concurrency', 0.2), s[6] or '0', s[7] or '0', s[9] or '', s[10] or '', s[11] or '' }
