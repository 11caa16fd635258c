--[[
  Open a run: create its state, or continue with the existing state.

  KEYS
    1 meta        hash
    2 done        bitmap: item index -> record committed
    3 jobs        hash job id -> "first,last,generation"
    4 stats       hash of counters
    5 scratch     string, deleted at the end
  ARGV
    1 items       number of items
    2 durable     bitmap of the items whose records are on disk
    3 ttlMs       TTL of the run's keys
    rest          pairs: counter, value at the last checkpoint; added to the counters when Redis has lost them
  Returns { created (0|1), cursor, lostCounts (0|1) }

  Items whose records are on disk are marked as done in any case: Redis may have lost its last second, or everything.
  Workers count calls even before a lost run is opened again, so the checkpoint is added to what they have counted.
--]]
local items, durable, ttlMs = ARGV[1], ARGV[2], tonumber(ARGV[3])
local meta, done, jobs, stats, scratch = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]

local created = 0
local lostCounts = redis.call('HSETNX', stats, 'opened', '1')
if redis.call('HSETNX', meta, 'items', items) == 1 then
  created = 1
  redis.call('HSET', meta, 'state', 'running', 'cursor', '0')
  redis.call('DEL', jobs)
end
if lostCounts == 1 then
  for i = 4, #ARGV, 2 do redis.call('HINCRBY', stats, ARGV[i], ARGV[i + 1]) end
end
if #durable > 0 then
  redis.call('SET', scratch, durable)
  redis.call('BITOP', 'OR', done, done, scratch)
  redis.call('DEL', scratch)
end
for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ttlMs) end
return { created, tonumber(redis.call('HGET', meta, 'cursor')), lostCounts }
