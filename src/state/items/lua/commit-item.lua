--[[
  Commit records of a standalone item; the first valid record of each input wins.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     notifies readers to read again
    2 frame       the encoded records of exactly the inputs listed
    3 final       content of the `end` entry (JSON), or '' when there are no partials
    4 attempt     whose deltas are the text of this record, or '' when none are (a failure)
    5 written     number of partials that the attempt has written
    6 allDeltas   all deltas again, as a JSON array of [kind, delta], or ''
    rest          indices of the inputs
  Returns { 'ok' } | { 'complete' } | { 'gone' } | { 'done', index, ... } | { 'torn' }: as commit.lua. 'complete': every
    input of the item has its record now. 'torn': nothing was written, because the deltas that readers have seen are not
    the text of this record (Redis has lost its last second, or another worker writes a new attempt). The caller commits
    again with `allDeltas`; readers then receive a reset and all deltas.
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
  local newAttempt = redis.call('HINCRBY', state, 'attempt', 1)
  redis.call('XADD', partials, '*', 't', 'reset', 'a', newAttempt)
  for _, entry in ipairs(cjson.decode(allDeltas)) do
    redis.call('XADD', partials, '*', 't', entry[1], 'a', newAttempt, 'd', entry[2])
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
-- A complete item needs no marks of its inputs, and its worker needs no further command to release the claim.
redis.call('HSET', state, 'f' .. frames, frame, 'frames', frames + 1, 'recorded', recorded, 'state', 'done', 'claims', 0)
redis.call('PUBLISH', channel, 'done')
return { 'complete' }
