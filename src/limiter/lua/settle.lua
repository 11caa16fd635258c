--[[
  End reservations: free their concurrency, replace estimated by reported tokens, record successes and faults.

  KEYS
    1 window      zset reservation -> latest possible arrival (epoch ms)
    2 costs       hash reservation -> tokens, or "tokens:estimate:grantedAt" until it is settled
    3 flight      zset reservation -> end of lease (epoch ms)
    4 recent      zset reservation -> when it was granted (epoch ms)
    5 long        hash of the last hour and day; see readLong
    6 state       hash
  ARGV
    1 outageStreak faults in a row from which the lane is out
    2 parkAfterMs faults for this long park the lane
    3 newLaneParkAfterMs the same for a lane that has never answered
    4 windowMs    a minute, margin included
    5 transitMs   longest time from grant to arrival
    rest          fours: reservation, outcome (ok|failed|denied|fault|suspect|unsent), reported tokens (-1 = not reported), how
                  many ms ago the provider began to answer
  Returns the number of faults in a row, and 1 if the lane has succeeded or was parked before, else 0.

  Settling a reservation twice changes nothing: reservations that are no longer in flight are ignored.
--]]
local outageStreak, parkAfterMs, newLaneParkAfterMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local windowMs, transitMs = tonumber(ARGV[4]), tonumber(ARGV[5])
local first = 6
local window, costs, flight, recent, long, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local s = readFields(state, { 'now', 'skew', 'sum', 'ratio', 'reports', 'faults', 'failingSince', 'lastOk', 'pausedUntil',
  'outages', 'wasParked', 'denied', 'patience', 'refusedAt', 'okGrantedAt', 'okFlight' })
local now, skew = readTime(s)
local sum, ratio, reports = tonumber(s.sum) or 0, tonumber(s.ratio) or 1, tonumber(s.reports) or 0
local faults, outages, pausedUntil = tonumber(s.faults) or 0, tonumber(s.outages) or 0, tonumber(s.pausedUntil) or 0
local failingSince, lastOk = tonumber(s.failingSince), tonumber(s.lastOk)
local updates = { 'now', now, 'skew', skew }
local function update(field, value)
  updates[#updates + 1] = field
  updates[#updates + 1] = value
end

local hasAnswered = false
local denied = tonumber(s.denied) or 0
local patience, okGrantedAt, okFlight = tonumber(s.patience) or 0, tonumber(s.okGrantedAt) or 0, tonumber(s.okFlight) or 0
-- While calls are refused, some of those in flight have been refused, too: their number proves nothing.
local inFlight = now - (tonumber(s.refusedAt) or 0) > 1000 and redis.call('ZCARD', flight) or 0
local function recordSuccess(grantedAt)
  faults, outages, failingSince, lastOk, hasAnswered = 0, 0, nil, now, true
  patience = math.min(MAX_PATIENCE, patience + PATIENCE_PER_SUCCESS)
  okGrantedAt, okFlight = math.max(okGrantedAt, grantedAt), math.max(okFlight, inFlight)
end

local function recordFault()
  faults, failingSince = faults + 1, failingSince or now
  if faults < outageStreak then return end
  -- Calls that were in flight when the outage began are no new evidence. Only a fault after the pause, which is a
  -- probe's, makes the next pause longer.
  if pausedUntil <= now then
    pausedUntil = now + math.min(30000, 1000 * 2 ^ math.min(outages, 5))
    outages = outages + 1
    update('pausedUntil', pausedUntil)
    update('pauseReason', 'outage')
  end
  if now - failingSince >= (lastOk and parkAfterMs or newLaneParkAfterMs) then update('parked', 'unreachable') end
end

-- Reads and writes many reservations with one command each, which costs Redis little more than a command for one.
local function settle(from, to)
  local ids, ended, unsent, arrivals, tokens, left, seen = {}, {}, {}, {}, {}, {}, {}
  for i = from, to, 4 do ids[#ids + 1] = ARGV[i] end
  local leases = redis.call('ZMSCORE', flight, unpack(ids))
  local scores = redis.call('ZMSCORE', window, unpack(ids))
  local reserved = redis.call('HMGET', costs, unpack(ids))
  for k = 1, #ids do
    local id, at = ids[k], from + (k - 1) * 4
    local outcome, reported, answeredAgo = ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    if leases[k] and not seen[id] then
      seen[id] = true
      ended[#ended + 1] = id
      local costText, estimateText, grantedText = string.match(reserved[k] or '', '^(%d+):?(%d*):?(%d*)$')
      local cost, grantedAt = tonumber(costText), tonumber(grantedText)
      local inWindow = scores[k] and 1 or 0
      if outcome == 'unsent' then
        if cost then sum = sum - cost * inWindow end
        if cost and grantedAt then addLong(long, windowMs, grantedAt + transitMs, -1, -cost) end
        unsent[#unsent + 1] = id
      else
        -- The provider had the request before it answered, so the request's window began no later than the answer.
        local score = tonumber(scores[k])
        if score and score > now - answeredAgo then
          arrivals[#arrivals + 1] = now - answeredAgo
          arrivals[#arrivals + 1] = id
        end
        if cost then
          local estimate = tonumber(estimateText) or 0
          -- The safety factor of a reservation ends with its call.
          local actual = reported >= 0 and reported or math.ceil(estimate * math.max(1, ratio))
          sum = sum + (actual - cost) * inWindow
          if grantedAt then addLong(long, windowMs, grantedAt + transitMs, 0, actual - cost) end
          if inWindow == 1 then
            tokens[#tokens + 1] = id
            tokens[#tokens + 1] = actual
          else left[#left + 1] = id end
          if reported >= 0 and estimate > 0 then
            -- Peak hold with slow decay: reserve the real cost of calls, and rather a little more.
            local observed = math.min(4, math.max(0.25, reported / estimate))
            ratio = observed > ratio and observed or ratio * 0.98 + observed * 0.02
          end
          if outcome == 'ok' then reports = math.min(1000, reports + 1) end
        end
        if outcome == 'ok' then recordSuccess(grantedAt or 0)
        elseif outcome == 'denied' then
          denied = denied + 1
          update('denied', denied)
        -- An input that failed before may be the cause itself: it is evidence only while an outage is known.
        elseif outcome == 'fault' or (outcome == 'suspect' and faults >= outageStreak) then recordFault() end
      end
    end
  end
  if #ended > 0 then redis.call('ZREM', flight, unpack(ended)) end
  if #arrivals > 0 then redis.call('ZADD', window, unpack(arrivals)) end
  if #tokens > 0 then redis.call('HSET', costs, unpack(tokens)) end
  if #left > 0 then redis.call('HDEL', costs, unpack(left)) end
  if #unsent > 0 then
    redis.call('ZREM', window, unpack(unsent))
    redis.call('ZREM', recent, unpack(unsent))
    redis.call('HDEL', costs, unpack(unsent))
  end
end
-- In chunks of 1,000 reservations, because unpack() takes only some thousands of values.
for from = first, #ARGV, 4000 do settle(from, math.min(from + 3999, #ARGV)) end

update('sum', sum)
update('ratio', ratio)
update('reports', reports)
update('faults', faults)
update('outages', outages)
update('patience', patience)
update('okGrantedAt', okGrantedAt)
update('okFlight', okFlight)
if failingSince then update('failingSince', failingSince) end
if lastOk then update('lastOk', lastOk) end
if hasAnswered then redis.call('HDEL', state, 'failingSince', 'throttleStreak', 'denied') end
redis.call('HSET', state, unpack(updates))
redis.call('PEXPIRE', state, STATE_TTL_MS)
return { faults, (lastOk or s.wasParked) and 1 or 0 }
