--[[
  Read what an API key has spent, without changing anything.

  KEYS
    1 usage       hash; see readUsage
  ARGV
    none
  Returns names and values: spentToday, spentInMonth, reserved.
--]]
local usage = readUsage(KEYS[1])
return { 'spentToday', usage.spentToday, 'spentInMonth', usage.spentInMonth, 'reserved', usage.reserved }
