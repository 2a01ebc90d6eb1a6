-- Inserts tasks without unique keys that are no repeats: what apply.lua does, with nothing else to see
-- to, in a fraction of the time. So it stands alone, without common.lua, which describes the keys. ARGV[1]
-- and [2] are as there; then each task is its id, due or '', delay, lane, and the rest of its record. It
-- returns the time.
local call, sub, fmt = redis.call, string.sub, string.format
local P = sub(KEYS[1], 1, -3)
if CLUSTER and type(redis.pcall('EXISTS', P .. 'never')) == 'table' then
	return redis.error_reply('TRYAGAIN the slot of this namespace is moving')
end
local time = call('TIME')
local at = time[1] * 1000000 + time[2] + ARGV[1]
local now = fmt('%.0f', at)

local records, lanes = {}, {}
for i = 3, #ARGV, 5 do
	local id, due, lane = ARGV[i], ARGV[i + 1], ARGV[i + 3]
	if due == '' or tonumber(due) <= at then due = ARGV[i + 2] == '0' and now or fmt('%.0f', at + ARGV[i + 2]) end
	local shard = sub(id, 1, 10)
	local list, z = records[shard], lanes[lane]
	if not list then list = {} records[shard] = list end
	if not z then z = {} lanes[lane] = z end
	list[#list + 1] = id
	list[#list + 1] = now .. '\0' .. due .. '\0' .. lane .. '\0' .. ARGV[i + 4]
	z[#z + 1] = due
	z[#z + 1] = id
	if tonumber(due) <= at then z.due = true end
end
for shard, list in pairs(records) do call('HSET', P .. 't:' .. shard, unpack(list)) end
for lane, z in pairs(lanes) do
	local key, queue = P .. 'd:' .. lane, sub(lane, string.find(lane, ':', 1, true) + 1)
	if z.due then -- as wake_for does
		local first = call('ZRANGEBYSCORE', key, '-inf', at, 'LIMIT', 0, 1)
		if #first == 0 or at - (call('HGET', P .. 'w', queue) or 0) > 5000 then
			call('HSET', P .. 'w', queue, now)
			call(CLUSTER and 'SPUBLISH' or 'PUBLISH', P .. 'wake', ARGV[2] .. ' ' .. queue)
		end
	end
	call('ZADD', key, unpack(z))
	call('HINCRBY', P .. 'n', 'created:' .. queue, #z / 2)
end
return { now }
