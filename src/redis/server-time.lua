-- Functions for scripts that keep time; `defineScript` puts this file before them.

-- Fields of a hash by name; nil for those that do not exist.
local function readFields(key, names)
  local values, fields = redis.call('HMGET', key, unpack(names)), {}
  for i, name in ipairs(names) do fields[name] = values[i] or nil end
  return fields
end

-- Epoch ms by the clock of the Redis server, so that the clocks of other machines need not agree; also returns the skew, to be
-- stored with it. `fields` holds `now` and `skew` as the last call stored them. Time never runs backwards here: after the
-- server's clock was set back, time continues from the last moment at the same pace.
local function readTime(fields)
  local time = redis.call('TIME')
  local clock, last = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(fields.now) or 0
  local now = clock >= last and clock or math.max(last, clock + (tonumber(fields.skew) or 0))
  return now, now - clock
end
