--[[
  End reservations: free concurrency, true up tokens, note success or fault.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens; reservation:e -> their estimate, until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 state       hash
  ARGV
    1 outageMs    faults for this long park the lane
    2 freshMs     the same for a lane that never answered
    rest          fours: reservation, outcome (ok|failed|fault|suspect|unsent), reported tokens (-1 = not reported), how
                  many ms ago the provider began to answer
  Returns { faultStreak }

  Settling a reservation twice changes nothing: what is not in flight any more is passed over.
--]]
local outageMs, freshMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local window, costs, flight, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local time = redis.call('TIME')
local s = redis.call('HMGET', state, 'now', 'skew', 'sum', 'faults', 'failingSince', 'ratio', 'lastOk', 'pausedUntil', 'outages', 'reports')
local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(s[1]) or 0
local now = clock >= last and clock or math.max(last, clock + (tonumber(s[2]) or 0))
local sum, faults, ratio = tonumber(s[3]) or 0, tonumber(s[4]) or 0, tonumber(s[6]) or 1
local reports = tonumber(s[10]) or 0
local since, lastOk, pausedUntil, outages = tonumber(s[5]), tonumber(s[7]), tonumber(s[8]) or 0, tonumber(s[9]) or 0
local set = {}
local function put(field, value) set[#set + 1] = field; set[#set + 1] = value end

local function onOk()
  faults, outages, since, lastOk = 0, 0, nil, now
  redis.call('HDEL', state, 'failingSince', 'throttleStreak')
end

local function onFault()
  faults, since = faults + 1, since or now
  if faults < 5 then return end
  -- Calls that were in flight when the lane went down say nothing new: only a fault after the pause, which is that
  -- of a probe, makes the next one longer.
  if pausedUntil <= now then
    pausedUntil = now + math.min(30000, 1000 * 2 ^ math.min(outages, 5))
    outages = outages + 1
    put('pausedUntil', pausedUntil)
    put('pauseReason', 'outage')
  end
  if now - since >= (lastOk and outageMs or freshMs) then put('parked', 'unreachable') end
end

for i = 3, #ARGV, 4 do
  local id, outcome, reported, ago = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  if redis.call('ZREM', flight, id) == 1 then
    local cost = tonumber(redis.call('HGET', costs, id))
    if outcome == 'unsent' then
      if cost then sum = sum - cost end
      redis.call('ZREM', window, id)
      redis.call('HDEL', costs, id, id .. ':e')
    else
      -- The provider had the request before it answered, so its window started by then at the latest.
      local score = tonumber(redis.call('ZSCORE', window, id))
      if score and score > now - ago then redis.call('ZADD', window, now - ago, id) end
      if cost then
        local estimate = tonumber(redis.call('HGET', costs, id .. ':e')) or 0
        -- The caution of a grant ends with its call.
        local actual = reported >= 0 and reported or math.ceil(estimate * math.max(1, ratio))
        sum = sum + actual - cost
        redis.call('HSET', costs, id, actual)
        if reported >= 0 and estimate > 0 then
          -- Peak-hold with slow decay: reserve what calls really cost, and rather a little more.
          local seen = math.min(4, math.max(0.25, reported / estimate))
          ratio = seen > ratio and seen or ratio * 0.98 + seen * 0.02
        end
        if outcome == 'ok' then reports = math.min(1000, reports + 1) end
      end
      redis.call('HDEL', costs, id .. ':e')
      if outcome == 'ok' then onOk()
      -- A text that failed before may be the cause itself; it is evidence only where an outage is known already.
      elseif outcome == 'fault' or (outcome == 'suspect' and faults >= 5) then onFault() end
    end
  end
end

put('now', now)
put('skew', now - clock)
put('sum', sum)
put('ratio', ratio)
put('reports', reports)
put('faults', faults)
put('outages', outages)
if since then put('failingSince', since) end
if lastOk then put('lastOk', lastOk) end
redis.call('HSET', state, unpack(set))
redis.call('PEXPIRE', state, 604800000)
return { faults }
