--[[
  Take back that items are done: their records are neither on disk nor in the results stream.

  KEYS
    1 done        bitmap
    2 lease       string, the coordinator's token
  ARGV
    1 token       of the calling coordinator
    rest          item indices
  Returns how many were marked as done, or 0 when the lease is somebody else's.

  That happens when the disk is older than Redis (a restored copy, a sync that was not one). Without it such an item
  would be queued, found done, and queued again for ever.
--]]
local token = ARGV[1]
if redis.call('GET', KEYS[2]) ~= token then return 0 end
local marked = 0
for i = 2, #ARGV do marked = marked + redis.call('SETBIT', KEYS[1], ARGV[i], 0) end
return marked
