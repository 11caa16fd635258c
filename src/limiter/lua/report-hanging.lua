--[[
  Record the hanging calls of one worker. They are part of the status until the report is HANGING_TTL_MS old.

  KEYS
    1 state       hash
  ARGV
    1 worker      id of the worker
    2 calls       calls that hang at this moment
    3 limitMs     calls that take longer hang
    4 usualMs     median duration of a call
    5 aborted     calls that were aborted since the first one hung
  Returns 1.
--]]
local state = KEYS[1]
local s = readFields(state, { 'now', 'skew', 'hanging' })
local now, skew = readTime(s)
local reports = decodeHanging(s.hanging, now)
local worker, calls, limitMs, usualMs, aborted = unpack(ARGV)
reports[worker] = { calls = tonumber(calls), limitMs = tonumber(limitMs), usualMs = tonumber(usualMs),
  aborted = tonumber(aborted), at = now }
redis.call('HSET', state, 'now', now, 'skew', skew, 'hanging', cjson.encode(reports))
redis.call('PEXPIRE', state, STATE_TTL_MS)
return 1
