--[[
  Store a new API key, unless a valid key has its name.

  KEYS
    1 records     hash id -> record (JSON)
    2 names       hash name -> id
  ARGV
    1 id          of the new key
    2 name        of the new key
    3 record      JSON
    4 now         epoch ms
    5 keepMs      for how long keys are listed after they were revoked or have expired
  Returns 'created', 'known' if the key exists already (a lost reply), or 'taken'.
--]]
local records, names = KEYS[1], KEYS[2]
local id, name, record, now, keepMs = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if redis.call('HEXISTS', records, id) == 1 then return 'known' end
local stored = redis.call('HGETALL', records)
for i = 1, #stored, 2 do
  local key = cjson.decode(stored[i + 1])
  local endedAt = key.revokedAt or key.expiresAt
  if endedAt and endedAt + keepMs <= now then redis.call('HDEL', records, stored[i]) end
end
local holder = redis.call('HGET', names, name)
local held = holder and redis.call('HGET', records, holder)
if held then
  local key = cjson.decode(held)
  if not key.revokedAt and not (key.expiresAt and key.expiresAt <= now) then return 'taken' end
end
redis.call('HSET', records, id, record)
redis.call('HSET', names, name, id)
return 'created'
