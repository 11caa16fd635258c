--[[
  Register an item before its job is queued.

  KEYS
    1 state       hash
  ARGV
    1 ttlMs       TTL of all keys of the item
    2 digest      hash of the request if the id comes from an idempotency key, else ""
    rest          pairs: field, value
  Returns 'new', 'other' if the existing item with this id has another request, or else the state of that item.

  A repeated call (a lost reply, the same idempotency key) changes nothing.
--]]
local ttlMs, digest = ARGV[1], ARGV[2]
local before, known = unpack(redis.call('HMGET', KEYS[1], 'state', 'digest'))
if before and known and digest ~= '' and known ~= digest then return 'other' end
if before then return before end
redis.call('HSET', KEYS[1], 'state', 'queued', 'ttlMs', ttlMs, unpack(ARGV, 3))
if digest ~= '' then redis.call('HSET', KEYS[1], 'digest', digest) end
redis.call('PEXPIRE', KEYS[1], ttlMs)
return 'new'
