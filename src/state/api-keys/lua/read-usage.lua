--[[
  Read what an API key has used, without changing anything.

  KEYS
    1 window      zset reservation -> when it was admitted (epoch ms), of the last minute
    2 tokens      hash reservation -> tokens, of the same calls
    3 usage       hash; see readUsage
  ARGV
    1 windowMs    a minute
  Returns names and values: requests, requestsResetMs, tokens, tokensResetMs, spentToday, spentInMonth, reserved.
--]]
local window, tokens, windowMs = KEYS[1], KEYS[2], tonumber(ARGV[1])
local usage = readUsage(KEYS[3])
local since = usage.now - windowMs
local requests = redis.call('ZCOUNT', window, '(' .. string.format('%.0f', since), '+inf')
-- The next admission subtracts the tokens of calls that have left the window since the last one.
local used = requests == 0 and 0 or usage.tokens
for _, id in ipairs(requests == 0 and {} or redis.call('ZRANGEBYSCORE', window, '-inf', since, 'LIMIT', 0, 5000)) do
  used = used - (tonumber(redis.call('HGET', tokens, id) or nil) or 0)
end
local newest = redis.call('ZRANGE', window, -1, -1, 'WITHSCORES')
local resetMs = newest[2] and math.max(0, tonumber(newest[2]) - since) or 0
return { 'requests', requests, 'requestsResetMs', resetMs, 'tokens', used, 'tokensResetMs', used > 0 and resetMs or 0,
  'spentToday', usage.spentToday, 'spentInMonth', usage.spentInMonth, 'reserved', usage.reserved }
