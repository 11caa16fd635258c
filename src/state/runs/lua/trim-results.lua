--[[
  Drop results that are durable on disk, and the notes of jobs that have ended with them.

  KEYS
    1 results     stream of frames
    2 jobs        hash job id -> "first,last,generation"
    3 lease       string, the coordinator's token
  ARGV
    1 token       of the calling coordinator
    2 minId       results below this id are dropped; '' drops none
    rest          ids of ended jobs
  Returns 1, or 0 when the lease is somebody else's.

  Fenced by the lease: a coordinator that was suspended and has lost its run must not take results away from the one
  that has it now.
--]]
local token, minId = ARGV[1], ARGV[2]
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= token then return 0 end
if minId ~= '' then redis.call('XTRIM', KEYS[1], 'MINID', minId) end
for i = 3, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
return 1
