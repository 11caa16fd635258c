--[[
  Commit records of an item that was submitted on its own; the first valid record of each input wins.

  KEYS
    1 state       hash
    2 records     list of frames
    3 partials    stream
  ARGV
    1 channel     where readers are told to look again
    2 frame       the encoded records of exactly the inputs listed
    3 final       what readers of partials get as the end (JSON), or '' when there are no partials
    rest          indices of the inputs
  Returns { 'ok' } | { 'gone' } | { 'done', index, ... }, as commit.lua does.
--]]
local channel, frame, final = ARGV[1], ARGV[2], ARGV[3]
local state, records, partials = KEYS[1], KEYS[2], KEYS[3]
local s = redis.call('HMGET', state, 'state', 'total', 'ttlMs', 'recorded')
if not s[1] or s[1] == 'cancelled' then return { 'gone' } end
local refused = { 'done' }
for i = 4, #ARGV do
  if redis.call('HEXISTS', state, 'd' .. ARGV[i]) == 1 then refused[#refused + 1] = ARGV[i] end
end
if #refused > 1 then return refused end
-- The append comes first: when Redis is out of memory it fails before anything is marked as done.
redis.call('RPUSH', records, frame)
redis.call('PEXPIRE', records, s[3])
for i = 4, #ARGV do redis.call('HSET', state, 'd' .. ARGV[i], '1') end
local recorded = redis.call('HINCRBY', state, 'recorded', #ARGV - 3)
if final ~= '' then
  redis.call('XADD', partials, '*', 't', 'end', 'd', final)
  redis.call('PEXPIRE', partials, s[3])
end
if recorded >= tonumber(s[2]) then
  redis.call('HSET', state, 'state', 'done')
  redis.call('PUBLISH', channel, 'done')
end
return { 'ok' }
