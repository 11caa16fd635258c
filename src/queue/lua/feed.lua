--[[
  Note jobs as outstanding and move the cursor, before the jobs go to the queue.

  KEYS
    1 meta        hash
    2 jobs        hash job id -> "first,last,generation"
    3 lease       string, the coordinator's token
  ARGV
    1 token       of the calling coordinator
    2 cursor      index of the next item to feed
    rest          pairs: job id, "first,last,generation"
  Returns 1, or 0 when the lease is somebody else's: the caller must stop.

  Noting first means that a crash before the jobs are queued leaves a note of what to queue again.
--]]
local token, cursor = ARGV[1], ARGV[2]
if redis.call('GET', KEYS[3]) ~= token then return 0 end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'cursor', cursor)
return 1
