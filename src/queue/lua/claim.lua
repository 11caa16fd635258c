--[[
  A worker takes a job: which of its items still need a record, and how often was it taken without an orderly end?

  KEYS
    1 meta        hash
    2 done        bitmap
    3 claims      hash job id -> claims without an orderly end
  ARGV
    1 job         job id (or job id + item, when items are tried one by one)
    2 ttlMs       life of the claims
    rest          item indices
  Returns { state, claims, mask }: state is the run's, or 'gone'; mask has '1' for each item already done.
--]]
local job, ttlMs = ARGV[1], ARGV[2]
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 'gone', 0, '' } end
local mask = {}
for i = 3, #ARGV do mask[#mask + 1] = redis.call('GETBIT', KEYS[2], ARGV[i]) end
local claims = 0
if state == 'running' then
  claims = redis.call('HINCRBY', KEYS[3], job, 1)
  redis.call('PEXPIRE', KEYS[3], ttlMs)
end
return { state, claims, table.concat(mask) }
