--[[
  Change a run's state if the change is allowed from its current state.

  KEYS
    1 meta        hash
  ARGV
    1 state       the new state
    rest          states from which the change is allowed
  Returns the state before, or '' when Redis does not have the run.
--]]
local state = ARGV[1]
local before = redis.call('HGET', KEYS[1], 'state')
if not before then return '' end
for i = 2, #ARGV do
  if ARGV[i] == before then redis.call('HSET', KEYS[1], 'state', state) end
end
return before
