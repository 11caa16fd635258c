-- Functions that all scripts of the limiter share. `defineScript` puts this file before each of them.

-- The state of a lane that nobody uses is kept for a week.
local STATE_TTL_MS = 7 * 24 * 3600000
-- A learned limit grows by this much per second, or by a hundredth of its peak if that is more.
local GROWTH_PER_SECOND = { requests = 1, tokens = 100, concurrency = 0.2 }

-- Fields of a hash by name; nil for those that do not exist.
local function readFields(key, names)
  local values, fields = redis.call('HMGET', key, unpack(names)), {}
  for i, name in ipairs(names) do fields[name] = values[i] or nil end
  return fields
end

-- Epoch ms by the clock of the Redis server, so that the clocks of workers need not agree; also returns the skew, to be
-- stored with it. `fields` holds `now` and `skew` of the lane. Time never runs backwards here: after the server's clock
-- was set back, time continues from the last moment at the same pace.
local function readTime(fields)
  local time = redis.call('TIME')
  local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(fields.now) or 0
  local now = clock >= last and clock or math.max(last, clock + (tonumber(fields.skew) or 0))
  return now, now - clock
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

-- Tokens of an entry of the costs hash: "tokens", or "tokens:estimate" until the call is settled.
local function parseCost(cost) return tonumber(string.match(cost or '', '^%d+')) or 0 end

-- Calls `visit` with up to 1,000 values at a time: one command for many values costs Redis little more than a command
-- for a single one, but unpack() takes only some thousands of values.
local function forEachChunk(values, visit)
  for from = 1, #values, 1000 do visit(unpack(values, from, math.min(from + 999, #values))) end
end
