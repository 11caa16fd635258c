-- Functions that the scripts of an API key's usage share. `defineScript` puts this file before each of them.
--
-- Amounts of money are whole numbers of a billionth of the currency: sums of them are exact. What is reserved for calls counts
-- as spent until they are settled.

-- The usage of a key that nobody uses is kept until its month is over.
local USAGE_TTL_MS = 32 * 24 * 3600000

-- The month of a day since 1970-01-01 as 12 * year + month, in UTC: the inverse of counting days in the Gregorian calendar,
-- with years that begin in March.
local function findMonth(day)
  local shifted = day + 719468
  local era = math.floor(shifted / 146097)
  local dayOfEra = shifted - era * 146097
  local yearOfEra = math.floor((dayOfEra - math.floor(dayOfEra / 1460) + math.floor(dayOfEra / 36524)
    - math.floor(dayOfEra / 146096)) / 365)
  local dayOfYear = dayOfEra - (365 * yearOfEra + math.floor(yearOfEra / 4) - math.floor(yearOfEra / 100))
  local fromMarch = math.floor((5 * dayOfYear + 2) / 153)
  return (yearOfEra + era * 400) * 12 + fromMarch + 3
end

-- What the key has used: `tokens` in the window, `spentToday` and `spentInMonth`, and `reserved` of these for open
-- reservations. A new day and a new month begin with 0.
local function readUsage(key)
  local s = readFields(key, { 'now', 'skew', 'tokens', 'day', 'month', 'spentToday', 'spentInMonth', 'reserved' })
  local now, skew = readTime(s)
  local day = math.floor(now / 86400000)
  local month = findMonth(day)
  return {
    now = now, skew = skew, day = day, month = month,
    tokens = tonumber(s.tokens) or 0,
    spentToday = tonumber(s.day) == day and tonumber(s.spentToday) or 0,
    spentInMonth = tonumber(s.month) == month and tonumber(s.spentInMonth) or 0,
    reserved = tonumber(s.reserved) or 0,
  }
end

local function writeUsage(key, usage)
  local values = {}
  for name, value in pairs(usage) do
    values[#values + 1] = name
    values[#values + 1] = string.format('%.0f', value)
  end
  redis.call('HSET', key, unpack(values))
  redis.call('PEXPIRE', key, USAGE_TTL_MS)
end

-- What is recorded of an open reservation: "cost:day:month".
local function formatAmount(usage, cost) return string.format('%.0f:%d:%d', cost, usage.day, usage.month) end

-- Ends an open reservation with its cost; nil keeps the reserved one. `keys` are `open`, `amounts`, and `items`. A call counts on the day and in the month in which it
-- was admitted.
local function closeReservation(usage, keys, id, cost)
  local reserved, day, month = string.match(redis.call('HGET', keys.amounts, id) or '', '^(%d+):(%d+):(%d+)$')
  redis.call('ZREM', keys.open, id)
  redis.call('HDEL', keys.amounts, id)
  redis.call('HDEL', keys.items, id)
  if not reserved then return end
  reserved = tonumber(reserved)
  local change = (cost or reserved) - reserved
  usage.reserved = math.max(0, usage.reserved - reserved)
  if tonumber(day) == usage.day then usage.spentToday = math.max(0, usage.spentToday + change) end
  if tonumber(month) == usage.month then usage.spentInMonth = math.max(0, usage.spentInMonth + change) end
end
