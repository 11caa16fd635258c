--[[
  A worker claims jobs of a run.

  KEYS
    1 meta        hash
    2 done        bitmap
    3 claims      hash job id -> claims that were not released
    4 attempts    hash item index -> failed attempts
    5 jobs        hash job id -> "first,last,generation"
  ARGV
    1 ttlMs       TTL of the claims
    rest          for each job: job id (or job id/item, when items are tried one by one), number of its items, and
                  their indices
  Returns { state, jobs }: state is that of the run, or 'gone'; for each job { claims, mask, attempts }, where claims
    includes this one, mask has '1' for each item that already has a record, and attempts has the failed attempts of
    each item, or is empty when the run has none.

  A job that is not outstanding was left in its queue by an earlier attempt at the run, before a retry or a loss of data;
  its items are in other jobs. It gets '1' for each item, so that they are not called twice.
--]]
local ttlMs = ARGV[1]
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return { 'gone', {} } end
-- The coordinator holds the run until the price falls.
if state == 'running' and redis.call('HGET', KEYS[1], 'held') == '1' then state = 'paused' end
local failed = redis.call('EXISTS', KEYS[4]) == 1
local jobs = {}
local i = 2
while i <= #ARGV do
  local job, count = ARGV[i], tonumber(ARGV[i + 1])
  local mask, attempts = {}, {}
  local isOutstanding = redis.call('HEXISTS', KEYS[5], string.match(job, '^[^/]+')) == 1
  for k = i + 2, i + 1 + count do
    mask[#mask + 1] = isOutstanding and redis.call('GETBIT', KEYS[2], ARGV[k]) or 1
    if failed then attempts[#attempts + 1] = tonumber(redis.call('HGET', KEYS[4], ARGV[k])) or 0 end
  end
  local claims = state == 'running' and redis.call('HINCRBY', KEYS[3], job, 1) or 0
  jobs[#jobs + 1] = { claims, table.concat(mask), attempts }
  i = i + 2 + count
end
if state == 'running' then redis.call('PEXPIRE', KEYS[3], ttlMs) end
return { state, jobs }
