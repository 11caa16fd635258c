--[[
  Append a delta of a running attempt; deltas of an earlier attempt are refused.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 attempt     of the writer
    2 channel     notifies readers
    3 maxLength   entries kept
    4 sequence    of this entry within the attempt, from 1 without a gap
    5 kind        text | reasoning | details | tools
    6 delta       text, or JSON for details and tools
  Returns 'ok', 'stale' (a new attempt has begun), 'gap' (Redis has lost entries before this one, which is therefore not
    written), or the state of an item that is not running any more. Writing an entry again changes nothing.

  The message on the channel contains the entry, as "id before attempt kind delta", where `before` is the id of the
  previous entry: a reader that has read up to it does not need to read the stream. The message is only 'partial' if the
  entry is large, or if another entry (a reset) may be in between.
--]]
local attempt, channel, maxLength, sequence, kind, delta = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local s = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'ttlMs', 'written', 'last')
if s[1] ~= 'running' then return s[1] or 'gone' end
if s[2] ~= attempt then return 'stale' end
local written = tonumber(s[4]) or 0
if tonumber(sequence) <= written then return 'ok' end
if tonumber(sequence) > written + 1 then return 'gap' end
local id = redis.call('XADD', KEYS[2], 'MAXLEN', '~', maxLength, '*', 't', kind, 'a', attempt, 's', sequence, 'd', delta)
redis.call('HSET', KEYS[1], 'written', sequence, 'last', id)
redis.call('PEXPIRE', KEYS[2], s[3])
local before = s[5] or (attempt == '1' and written == 0 and '0-0') or ''
local pushed = 'partial'
if before ~= '' and #delta <= 4096 then pushed = table.concat({ id, before, attempt, kind, delta }, ' ') end
redis.call('PUBLISH', channel, pushed)
return 'ok'
