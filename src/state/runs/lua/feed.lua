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
  Returns 'ok', 'taken' when the lease is somebody else's, or 'lost' when Redis knows neither run nor lease any more.

  Noting first means that a crash before the jobs are queued leaves a note of what to queue again.
--]]
local token, cursor = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= token then return 'taken' end
if not holder or redis.call('HEXISTS', KEYS[1], 'state') == 0 then return 'lost' end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'cursor', cursor)
return 'ok'
