--[[
  Revoke an API key.

  KEYS
    1 records     hash id -> record (JSON)
    2 names       hash name -> id
  ARGV
    1 id          of the key
    2 now         epoch ms
  Returns 'revoked', 'known' if it was revoked before, or 'gone'.
--]]
local record = redis.call('HGET', KEYS[1], ARGV[1])
if not record then return 'gone' end
local key = cjson.decode(record)
if key.revokedAt then return 'known' end
-- Added to the text: decoding and encoding would turn an empty list into an object.
local revoked = string.gsub(record, '}%s*$', ',"revokedAt":' .. ARGV[2] .. '}', 1)
redis.call('HSET', KEYS[1], ARGV[1], revoked)
if redis.call('HGET', KEYS[2], key.name) == ARGV[1] then redis.call('HDEL', KEYS[2], key.name) end
return 'revoked'
