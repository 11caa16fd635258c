--[[
  Delete results that are durable on disk, and the entries of outstanding jobs that have finished.

  KEYS
    1 results     stream of frames
    2 jobs        hash job id -> "first,last,generation"
    3 lease       string, the coordinator's token
  ARGV
    1 token       of the calling coordinator
    2 minId       results below this id are deleted; '' deletes none
    rest          ids of finished jobs
  Returns 1, or 0 when another coordinator holds the lease.

  Fenced by the lease: a coordinator that was suspended and has lost the run must not delete results that the current
  coordinator has not collected.
--]]
local token, minId = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= token then return 0 end
if minId ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', minId) end
for i = 3, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
return 1
