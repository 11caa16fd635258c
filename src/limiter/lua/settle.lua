--[[
  End reservations: free concurrency, true up tokens, note success or fault.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 state       hash
  ARGV
    1 outageMs    faults for this long park the lane
    2 newLaneMs     the same for a lane that never answered
    rest          fours: reservation, outcome (ok|failed|fault|suspect|unsent), reported tokens (-1 = not reported), how
                  many ms ago the provider began to answer
  Returns { faultStreak }

  Settling a reservation twice changes nothing: what is not in flight any more is passed over.
--]]
local outageMs, newLaneMs = tonumber(ARGV[1]), tonumber(ARGV[2])
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

local answered = false
local function onOk()
  faults, outages, since, lastOk, answered = 0, 0, nil, now, true
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
  if now - since >= (lastOk and outageMs or newLaneMs) then put('parked', 'unreachable') end
end

-- Asked for and written together: a command for many reservations costs Redis little more than one for a single one.
local function settle(from, to)
  local ids, ended, unsent, arrivals, prices, seen = {}, {}, {}, {}, {}, {}
  for i = from, to, 4 do ids[#ids + 1] = ARGV[i] end
  local flying = redis.call('ZMSCORE', flight, unpack(ids))
  local scores = redis.call('ZMSCORE', window, unpack(ids))
  local priced = redis.call('HMGET', costs, unpack(ids))
  for k = 1, #ids do
    local id, at = ids[k], from + (k - 1) * 4
    local outcome, reported, ago = ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    if flying[k] and not seen[id] then
      seen[id] = true
      ended[#ended + 1] = id
      local spent, guess = string.match(priced[k] or '', '^(%d+):?(%d*)$')
      local cost = tonumber(spent)
      if outcome == 'unsent' then
        if cost then sum = sum - cost end
        unsent[#unsent + 1] = id
      else
        -- The provider had the request before it answered, so its window started by then at the latest.
        local score = tonumber(scores[k])
        if score and score > now - ago then
          arrivals[#arrivals + 1] = now - ago
          arrivals[#arrivals + 1] = id
        end
        if cost then
          local estimate = tonumber(guess) or 0
          -- The caution of a grant ends with its call.
          local actual = reported >= 0 and reported or math.ceil(estimate * math.max(1, ratio))
          sum = sum + actual - cost
          prices[#prices + 1] = id
          prices[#prices + 1] = actual
          if reported >= 0 and estimate > 0 then
            -- Peak-hold with slow decay: reserve what calls really cost, and rather a little more.
            local times = math.min(4, math.max(0.25, reported / estimate))
            ratio = times > ratio and times or ratio * 0.98 + times * 0.02
          end
          if outcome == 'ok' then reports = math.min(1000, reports + 1) end
        end
        if outcome == 'ok' then onOk()
        -- A text that failed before may be the cause itself; it is evidence only where an outage is known already.
        elseif outcome == 'fault' or (outcome == 'suspect' and faults >= 5) then onFault() end
      end
    end
  end
  if #ended > 0 then redis.call('ZREM', flight, unpack(ended)) end
  if #arrivals > 0 then redis.call('ZADD', window, unpack(arrivals)) end
  if #prices > 0 then redis.call('HSET', costs, unpack(prices)) end
  if #unsent > 0 then
    redis.call('ZREM', window, unpack(unsent))
    redis.call('HDEL', costs, unpack(unsent))
  end
end
-- In pieces, because unpack() takes no more than some thousands of values.
for from = 3, #ARGV, 4000 do settle(from, math.min(from + 3999, #ARGV)) end

put('now', now)
put('skew', now - clock)
put('sum', sum)
put('ratio', ratio)
put('reports', reports)
put('faults', faults)
put('outages', outages)
if since then put('failingSince', since) end
if lastOk then put('lastOk', lastOk) end
if answered then redis.call('HDEL', state, 'failingSince', 'throttleStreak') end
redis.call('HSET', state, unpack(set))
redis.call('PEXPIRE', state, 604800000)
return { faults }
