--[[
  Record jobs as outstanding and move the cursor, before the jobs are queued.

  KEYS
    1 meta        hash
    2 jobs        hash job id -> "first,last,generation"
    3 lease       string, the coordinator's token
  ARGV
    1 token       of the calling coordinator
    2 cursor      index of the next item to feed
    rest          pairs: job id, "first,last,generation"
  Returns 'ok', 'taken' when another coordinator holds the lease, or 'lost' when Redis does not have the run or the lease
    any more.

  After a crash between this step and the queueing, the outstanding jobs show what must be queued again.
--]]
local token, cursor = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= token then return 'taken' end
if not holder or redis.call('HEXISTS', KEYS[1], 'state') == 0 then return 'lost' end
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('HSET', KEYS[1], 'cursor', cursor)
return 'ok'
