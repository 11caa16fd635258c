--[[
  Start a new attempt within the same claim, after the previous attempt failed in mid-stream.

  KEYS
    1 state       hash
    2 partials    stream
  ARGV
    1 channel     notifies readers to read again
  Returns the number of the new attempt.
--]]
local channel = ARGV[1]
local attempt = redis.call('HINCRBY', KEYS[1], 'attempt', 1)
redis.call('HSET', KEYS[1], 'written', 0, 'last', '')
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('XADD', KEYS[2], '*', 't', 'reset', 'a', attempt)
  redis.call('PUBLISH', channel, 'partial')
end
return attempt
