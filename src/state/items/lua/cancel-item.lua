--[[
  Cancel an item: no record is accepted for it from now on.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     notifies readers to read again
    2 final       content of the `end` entry for readers of the partials (JSON)
  Returns the state before, or 'gone'. A finished item stays finished.
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
