--[[
  Cancel an item: no record will be accepted for it from now on.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     where readers are told to look again
    2 final       what readers of partials get as the end (JSON)
  Returns the state it was in, or 'gone'. A finished item stays finished.
--]]
local channel, final = ARGV[1], ARGV[2]
local s = redis.call('HMGET', KEYS[1], 'state', 'ttlMs')
if not s[1] then return 'gone' end
if s[1] == 'queued' or s[1] == 'running' then
  redis.call('HSET', KEYS[1], 'state', 'cancelled')
  redis.call('XADD', KEYS[2], '*', 't', 'end', 'd', final)
  redis.call('PEXPIRE', KEYS[2], s[2])
  redis.call('PUBLISH', channel, 'done')
end
return s[1]
