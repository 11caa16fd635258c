--[[
  Give the jobs of tenants their places in a queue, so that tenants take turns however many jobs each of them has.

  KEYS
    1 prioritized zset of BullMQ: job -> priority * 2^32 + a counter
    2 tenants     hash: tenant -> virtual time at which its next job is due, and the fields below
  ARGV
    1 maxPriority of BullMQ
    2 ttlMs       of the hash
    rest          threes: tenant, weight, size of the job
  Returns the priorities of the jobs; the lowest is served first.

  Virtual time is that of the job that is served next. A job of a tenant that waits for nothing is due now; each further job is
  due when the one before it is served and its size, divided by the weight of the tenant, has passed. An empty queue begins again
  with 0. If so many jobs wait that the priorities are used up, the last ones are served in the order in which they came.

  Jobs get their places before they are added to the queue, so that it may look empty although it is not. Therefore the lowest
  priorities of this second (":second", ":least") and of the one before (":before") count as waiting. Names of tenants do not
  begin with a colon.
--]]
local maxPriority, ttlMs = tonumber(ARGV[1]), tonumber(ARGV[2])
local prioritized, tenants = KEYS[1], KEYS[2]
local second = tonumber(redis.call('TIME')[1])
local stored = redis.call('HMGET', tenants, ':second', ':least', ':before')
local age = stored[1] and second - tonumber(stored[1]) or 2
local least = age == 0 and tonumber(stored[2] or nil) or nil
local before = age == 0 and tonumber(stored[3] or nil) or age == 1 and tonumber(stored[2] or nil) or nil
local nextJob = redis.call('ZRANGE', prioritized, 0, 0, 'WITHSCORES')
local nextPriority = nextJob[2] and math.floor(tonumber(nextJob[2]) / 4294967296) or nil

local lowest
for _, priority in pairs({ nextPriority or false, least or false, before or false }) do
  if priority and (not lowest or priority < lowest) then lowest = priority end
end
if not lowest then redis.call('DEL', tenants) end
local virtualNow = lowest and lowest - 1 or 0

local priorities = {}
for i = 3, #ARGV, 3 do
  local tenant, weight, size = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local due = math.max(virtualNow, tonumber(redis.call('HGET', tenants, tenant) or nil) or 0)
  redis.call('HSET', tenants, tenant, string.format('%.6f', due + size / weight))
  local priority = math.min(maxPriority, 1 + math.floor(due))
  priorities[#priorities + 1] = priority
  least = least and math.min(least, priority) or priority
end
redis.call('HSET', tenants, ':second', second, ':least', least or '', ':before', before or '')
redis.call('PEXPIRE', tenants, ttlMs)
return priorities
