--[[
  Commit the records of items: the first valid record wins, and reaches the results stream in the same step.

  KEYS
    1 meta        hash
    2 done        bitmap
    3 results     stream of frames
    4 attempts    hash item index -> failed attempts
    5 stats       hash of counters
  ARGV
    1 frame       the encoded records of exactly the items listed
    2 ttlMs       TTL of the results stream
    3 mark        idempotency mark, "field=value" in stats
    4 counters    number of counter pairs that follow
    then          pairs: counter, increment; counted only when the commit is accepted
    rest          item indices
  Returns { 'ok' } | { 'gone' } | { 'done', index, ... }. 'done': nothing was written, and the items listed already have
    records; the caller drops these and commits the others. A commit that is repeated because its reply was lost is 'ok'
    again.
--]]
local frame, ttlMs, mark, counters = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local first = 5 + counters * 2
local meta, done, results, attempts, stats = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local state = redis.call('HGET', meta, 'state')
if not state or state == 'done' then return { 'gone' } end
local refused = { 'done' }
-- One BITFIELD handles many bits; a command per bit would cost more than the rest of the script. In parts of 500,
-- because unpack() is limited to a few thousand values.
local function bits(words, collect)
  for from = first, #ARGV, 500 do
    local fields = {}
    for i = from, math.min(from + 499, #ARGV) do
      for w = 1, #words do fields[#fields + 1] = words[w] or ARGV[i] end
    end
    local before = redis.call('BITFIELD', done, unpack(fields))
    for i = 1, #before do collect(before[i], ARGV[from + i - 1]) end
  end
end
bits({ 'GET', 'u1', false }, function(bit, item)
  if bit == 1 then refused[#refused + 1] = item end
end)
local place, value = string.match(mark, '^(.-)=(.*)$')
if #refused > 1 then
  if redis.call('HGET', stats, place) == value then return { 'ok' } end
  redis.call('HINCRBY', stats, 'refused', #refused - 1)
  return refused
end
-- The append comes first: if Redis is out of memory, it fails before any item is marked as done.
redis.call('XADD', results, '*', 'f', frame)
redis.call('PEXPIRE', results, ttlMs)
bits({ 'SET', 'u1', false, 1 }, function() end)
if redis.call('EXISTS', attempts) == 1 then
  for i = first, #ARGV do redis.call('HDEL', attempts, ARGV[i]) end
end
redis.call('HSET', stats, place, value)
for i = 5, first - 1, 2 do redis.call('HINCRBY', stats, ARGV[i], ARGV[i + 1]) end
return { 'ok' }
