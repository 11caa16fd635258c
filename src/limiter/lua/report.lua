--[[
  Record what the headers of a response say about the limits of a lane. An answer without such headers is recorded, too.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 state       hash
  ARGV
    1 windowMs    length of the provider's window, margin included
    rest          sixes: name of the limit (requests, tokens, requests:second, ...), limit, remaining (-1 = not reported), ms until the reset (-1 = not reported), 1 if the
                  limit applies to more than a minute, 1 if it becomes available again steadily
  Returns 1.

  What is left of a limit is compared with the calls of this lane. If less is left, other programs use the same account:
  `foreign` is their use. Calls in flight count as if the provider had counted them, so this is at most the real use.
--]]
local windowMs = tonumber(ARGV[1])
local window, state = KEYS[1], KEYS[2]

local s = readFields(state, { 'now', 'skew', 'sum' })
local now, skew = readTime(s)
local updates = { 'now', now, 'skew', skew, 'answered', 1 }
local function update(field, value)
  updates[#updates + 1] = field
  updates[#updates + 1] = value
end

for i = 2, #ARGV, 6 do
  local name, limit, remaining, resetMs = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local dimension, ofWindow = splitLimitName(name)
  local isLong, isGradual = ARGV[i + 4] == '1', ARGV[i + 5] == '1'
  -- What is left of a limit of an hour or a day until its reset says more than the calls of the last hour or day.
  if ofWindow == 'minute' or remaining < 0 or resetMs <= 0 or not isLong then update('reported:' .. name, limit) end
  if isLong then
    -- Calls that the provider may not have counted yet; it has counted the one that it answers.
    local late = dimension == 'requests' and math.max(0, redis.call('ZCOUNT', window, '(' .. now, '+inf') - 1) or 0
    -- What becomes available steadily is worth another call after the time that one request or token takes.
    local wait = (isGradual and remaining == 0) and math.max(resetMs / limit, windowMs) or resetMs
    if remaining >= 0 and resetMs > 0 then
      update('quota:' .. dimension, limit)
      update('quotaLeft:' .. dimension, math.max(0, remaining - late))
      update('quotaResetAt:' .. dimension, now + math.ceil(wait))
    end
  elseif ofWindow == 'minute' then
    redis.call('HDEL', state, 'quota:' .. dimension, 'quotaLeft:' .. dimension, 'quotaResetAt:' .. dimension)
    local own = dimension == 'requests' and redis.call('ZCOUNT', window, '(' .. (now - windowMs), '+inf') or tonumber(s.sum) or 0
    local foreign = remaining >= 0 and math.max(0, limit - remaining - own) or 0
    update('foreign:' .. dimension, foreign)
    -- Programs that used the last window are expected to use the next one as well.
    update('foreignUntil:' .. dimension, now + 2 * windowMs)
  end
end
redis.call('HSET', state, unpack(updates))
redis.call('PEXPIRE', state, STATE_TTL_MS)
return 1
