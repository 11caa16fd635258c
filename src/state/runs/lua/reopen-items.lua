--[[
  Clear the done marks of items whose records are neither on disk nor in the results stream.

  KEYS
    1 done        bitmap
    2 lease       string, the coordinator's token
  ARGV
    1 token       of the calling coordinator
    rest          item indices
  Returns the number of items that were marked as done, or 0 when another coordinator holds the lease.

  Such items exist when the disk is older than Redis (a restored backup, a sync that failed silently). Without this step
  they would be queued, found done, and queued again for ever.
--]]
local token = ARGV[1]
if redis.call('GET', KEYS[2]) ~= token then return 0 end
local marked = 0
for i = 2, #ARGV do marked = marked + redis.call('SETBIT', KEYS[1], ARGV[i], 0) end
return marked
