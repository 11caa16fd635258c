--[[
  Commit records of an item that was submitted on its own; the first valid record of each input wins.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     where readers are told to look again
    2 frame       the encoded records of exactly the inputs listed
    3 final       what readers of partials get as the end (JSON), or '' when there are no partials
    4 attempt     whose deltas are this record's text, or '' when none are (a failure)
    5 written     entries that the attempt has written
    6 allDeltas       the deltas once more, all of them: a JSON array of [kind, delta], or ''
    rest          indices of the inputs
  Returns { 'ok' } | { 'complete' } | { 'gone' } | { 'done', index, ... } | { 'torn' }: as commit.lua does; 'complete'
    says that every input of the item has its record now. 'torn': nothing was written, because what readers have seen
    is not this record's text (Redis has lost its last second, or another worker writes a new attempt); with `allDeltas`
    they are told to start over, and get it.
--]]
local channel, frame, final, attempt, written, allDeltas = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local first = 7
local state, partials = KEYS[1], KEYS[2]
local s = redis.call('HMGET', state, 'state', 'total', 'ttlMs', 'recorded', 'frames', 'attempt', 'written')
if not s[1] or s[1] == 'cancelled' then return { 'gone' } end
local recorded, frames = tonumber(s[4]) or 0, tonumber(s[5]) or 0
if recorded > 0 then
  local refused = { 'done' }
  for i = first, #ARGV do
    if s[1] == 'done' or redis.call('HEXISTS', state, 'd' .. ARGV[i]) == 1 then refused[#refused + 1] = ARGV[i] end
  end
  if #refused > 1 then return refused end
end
local isTorn = attempt ~= '' and (attempt ~= (s[6] or '0') or written ~= (s[7] or '0'))
if isTorn and allDeltas == '' then return { 'torn' } end
recorded = recorded + #ARGV - first + 1
if isTorn then
  local again = redis.call('HINCRBY', state, 'attempt', 1)
  redis.call('XADD', partials, '*', 't', 'reset', 'a', again)
  for _, entry in ipairs(cjson.decode(allDeltas)) do
    redis.call('XADD', partials, '*', 't', entry[1], 'a', again, 'd', entry[2])
  end
end
if final ~= '' then
  redis.call('XADD', partials, '*', 't', 'end', 'd', final)
  redis.call('PEXPIRE', partials, s[3])
end
if recorded < tonumber(s[2]) then
  redis.call('HSET', state, 'f' .. frames, frame, 'frames', frames + 1, 'recorded', recorded)
  for i = first, #ARGV do redis.call('HSET', state, 'd' .. ARGV[i], '1') end
  return { 'ok' }
end
-- A complete item needs no mark for each input, and its worker no further step to release it.
redis.call('HSET', state, 'f' .. frames, frame, 'frames', frames + 1, 'recorded', recorded, 'state', 'done', 'claims', 0)
redis.call('PUBLISH', channel, 'done')
return { 'complete' }
