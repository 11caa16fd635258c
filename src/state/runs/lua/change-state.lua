--[[
  Change a run's state, if it is one that may be changed to this.

  KEYS
    1 meta        hash
  ARGV
    1 state       the new one
    rest          states it may be changed from
  Returns the state before, or '' when Redis does not know the run.
--]]
local state = ARGV[1]
local before = redis.call('HGET', KEYS[1], 'state')
if not before then return '' end
for i = 2, #ARGV do
  if ARGV[i] == before then redis.call('HSET', KEYS[1], 'state', state) end
end
return before
