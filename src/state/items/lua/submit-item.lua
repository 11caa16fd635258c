--[[
  Register an item before its job is queued.

  KEYS
    1 state       hash
  ARGV
    1 ttlMs       TTL of all keys of the item
    rest          pairs: field, value
  Returns 'new', or the state of the existing item with this id.

  A repeated call (a lost reply, the same idempotency key) changes nothing.
--]]
local ttlMs = ARGV[1]
local before = redis.call('HGET', KEYS[1], 'state')
if before then return before end
redis.call('HSET', KEYS[1], 'state', 'queued', 'ttlMs', ttlMs, unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ttlMs)
return 'new'
