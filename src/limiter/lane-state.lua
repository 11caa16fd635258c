-- Functions that all scripts of the limiter share. `defineScript` puts this file before each of them.

-- The state of a lane that nobody uses is kept for a week.
local STATE_TTL_MS = 7 * 24 * 3600000
-- The rate limits of a lane: of a minute "requests" and "tokens", of other windows with their window.
local RATE_LIMITS = { 'requests:second', 'requests', 'requests:hour', 'requests:day',
  'tokens:second', 'tokens', 'tokens:hour', 'tokens:day' }
-- A learned limit grows by this much per second, or by a hundredth of its peak if that is more. Limits of an hour or a day
-- are not learned: when one is reached, the lane waits.
local GROWTH_PER_SECOND = { requests = 1, tokens = 100, concurrency = 0.2, ['requests:second'] = 0.02, ['tokens:second'] = 2 }

-- A refused call uses up one unit of patience, and a success adds this much: a lane of which less than one call in six is
-- refused keeps its limit, because some providers refuse calls at random. A lane without patience has its limit cut.
local PATIENCE_PER_SUCCESS, MAX_PATIENCE = 0.2, 8

-- "requests:day" -> "requests", "day"
local function splitLimitName(name)
  local dimension, window = string.match(name, '^(%a+):?(%a*)$')
  return dimension, window == '' and 'minute' or window
end

-- The inverse of `splitLimitName`.
local function joinLimitName(dimension, window)
  if dimension == 'concurrency' or window == 'minute' then return dimension end
  return dimension .. ':' .. window
end

-- The names of all rate limits after a prefix, such as "manual:", appended to `names`.
local function addLimitFields(names, ...)
  for _, prefix in ipairs({ ... }) do
    for _, name in ipairs(RATE_LIMITS) do names[#names + 1] = prefix .. name end
    names[#names + 1] = prefix .. 'concurrency'
  end
  return names
end

-- The learned limit of a dimension and the peak it was cut from; nil if nothing was learned. It starts at a cut and
-- grows back linearly with time, whether or not calls succeed meanwhile: a limit that was cut too low would never see a
-- success to grow by.
local function computeLearnedLimit(state, dimension, now)
  local learned, peak, cutAt = 'learned:' .. dimension, 'peak:' .. dimension, 'cutAt:' .. dimension
  local fields = readFields(state, { learned, peak, cutAt })
  if not fields[learned] then return nil end
  local growth = math.max(GROWTH_PER_SECOND[dimension], tonumber(fields[peak]) * 0.01)
  return tonumber(fields[learned]) + growth * math.max(0, now - tonumber(fields[cutAt])) / 1000, tonumber(fields[peak])
end

local function forgetLearnedLimit(state, dimension)
  redis.call('HDEL', state, 'learned:' .. dimension, 'peak:' .. dimension, 'cutAt:' .. dimension)
end

-- The manual limit, or else the lower one of the configured and the reported limit; 0 if none is known. `fields` holds both
-- limits of the lane.
local function findAllowedLimit(fields, dimension, configured)
  local manual = tonumber(fields['manual:' .. dimension])
  if manual then return manual end
  local reported = tonumber(fields['reported:' .. dimension]) or 0
  if configured > 0 and reported > 0 then return math.min(configured, reported) end
  return math.max(configured, reported)
end

-- The reports of workers about hanging calls by worker, without those that are too old.
local HANGING_TTL_MS = 5000
local function decodeHanging(text, now)
  local reports = text and cjson.decode(text) or {}
  for worker, report in pairs(reports) do
    if now - report.at > HANGING_TTL_MS then reports[worker] = nil end
  end
  return reports
end

-- Tokens of an entry of the costs hash: "tokens", or "tokens:estimate:grantedAt" until the call is settled.
local function parseCost(cost) return tonumber(string.match(cost or '', '^%d+')) or 0 end

-- Calls `visit` with up to 1,000 values at a time: one command for many values costs Redis little more than a command
-- for a single one, but unpack() takes only some thousands of values.
local function forEachChunk(values, visit)
  for from = 1, #values, 1000 do visit(unpack(values, from, math.min(from + 999, #values))) end
end

-- The last hour and the last day are counted in steps of 1/120 of the window: an entry per call of a day would need too much
-- memory. A step counts until all of its calls have left the window, so that no sliding window holds more than the limit.
local LONG_STEPS = 120
local LONG_WINDOWS = { hour = 60, day = 1440 }

-- The fields of the hash `long` that count a call whose latest possible arrival is `at`, as function(dimension) -> fields.
local function longFields(windowMs, at)
  local hour = math.floor(at / (windowMs * LONG_WINDOWS.hour / LONG_STEPS))
  local day = math.floor(at / (windowMs * LONG_WINDOWS.day / LONG_STEPS))
  return function(dimension) return 'hour:' .. dimension .. ':' .. hour, 'day:' .. dimension .. ':' .. day end
end

local function addLong(key, windowMs, at, requests, tokens)
  local fieldsOf = longFields(windowMs, at)
  for dimension, amount in pairs({ requests = requests, tokens = tokens }) do
    if amount ~= 0 then
      for _, field in ipairs({ fieldsOf(dimension) }) do redis.call('HINCRBY', key, field, amount) end
    end
  end
  redis.call('PEXPIRE', key, math.ceil(windowMs * LONG_WINDOWS.day * (1 + 1 / LONG_STEPS)))
end

-- The steps of the last hour and day as { ["requests:hour"] = { sum, steps = { { amount, leavesAt } } } }, oldest first, and
-- the fields of steps that have passed.
local function readLong(key, windowMs, now)
  local long, passed = {}, {}
  for _, name in ipairs(RATE_LIMITS) do
    local _, window = splitLimitName(name)
    if LONG_WINDOWS[window] then long[name] = { sum = 0, steps = {} } end
  end
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local window, dimension, step = string.match(fields[i], '^(%a+):(%a+):(%d+)$')
    local lengthMs = windowMs * LONG_WINDOWS[window]
    local leavesAt, amount = (step + 1) * lengthMs / LONG_STEPS + lengthMs, tonumber(fields[i + 1])
    if leavesAt <= now then passed[#passed + 1] = fields[i]
    else
      local use = long[dimension .. ':' .. window]
      use.sum = use.sum + amount
      use.steps[#use.steps + 1] = { amount = amount, leavesAt = leavesAt }
    end
  end
  for _, use in pairs(long) do table.sort(use.steps, function(a, b) return a.leavesAt < b.leavesAt end) end
  return long, passed
end

-- Tokens of the reservations in a list.
local function sumCosts(costs, ids)
  local sum = 0
  forEachChunk(ids, function(...)
    for _, cost in ipairs(redis.call('HMGET', costs, ...)) do sum = sum + parseCost(cost) end
  end)
  return sum
end
