-- Rebuilds indexes from what is the truth: the records of tasks, how they ended, and the sets in which
-- leases hold them. ARGV[3] says which part; it returns how many things it mended.
local mended = 0
local function mend(n) mended = mended + (n or 1) end
local part = {}

-- The lists of ended tasks are made anew, by 'tasks'.
function part.start()
	for _, name in ipairs(call('ZRANGE', P .. 'hours', 0, -1)) do call('DEL', P .. name) end
	call('DEL', P .. 'hours')
end

-- A lease's set: ARGV[4] is the lease, ARGV[5] the lane. A set of a lease that is not known is dropped,
-- so that its tasks wait again; a lease without an end ends now.
function part.lease()
	local lease, lane = ARGV[4], ARGV[5]
	local lanes, known = lanes_of(lease)
	if not known then
		call('DEL', held_key(lease, lane))
		return mend()
	end
	local listed = false
	for _, l in ipairs(lanes) do listed = listed or l == lane end
	if not listed then
		call('HSET', P .. 'l', lease, known .. '\n' .. lane)
		mend()
	end
	if not call('ZSCORE', P .. 'leases', lease) then
		call('ZADD', P .. 'leases', at, lease)
		mend()
	end
end

-- A lane: ARGV[4]. Those whose records are gone cannot be run.
function part.lane()
	local key = P .. 'd:' .. ARGV[4]
	local ids = call('ZRANGE', key, 0, -1)
	for i = 1, #ids, 1000 do
		local some = { unpack(ids, i, math.min(i + 999, #ids)) }
		local records = read('t', some)
		for j, id in ipairs(some) do
			if not records[j] then mend(call('ZREM', key, id)) end
		end
	end
end

-- Tasks: ids from ARGV[4] on.
function part.tasks()
	local ids = {}
	for i = 4, #ARGV do ids[#ids + 1] = ARGV[i] end
	local records, states, endings = read('t', ids), read('c', ids), read('f', ids)
	local leases = call('HKEYS', P .. 'l')
	for i, id in ipairs(ids) do
		local record, number = records[i], tonumber(id, 16)
		if record then
			local _, due, lane, _, key = parse(record)
			local holder
			for _, lease in ipairs(leases) do
				if call('SISMEMBER', held_key(lease, lane), number) == 1 then holder = lease end
			end
			if endings[i] then
				mend(call('ZREM', P .. 'd:' .. lane, id))
				if holder then mend(call('SREM', held_key(holder, lane), number)) end
				local name = list_of(endings[i])
				call('RPUSH', P .. name, id)
				call('ZADD', P .. 'hours', string.match(name, '%d+$'), name)
			elseif holder then
				mend(call('ZREM', P .. 'd:' .. lane, id))
			elseif not call('ZSCORE', P .. 'd:' .. lane, id) then
				local changed = state_of(states[i]).due
				enqueue(lane, { changed ~= '' and changed or due, id })
				mend()
			end
			if not holder then mend(call('SREM', P .. 'x', number)) end
			if key ~= '' and not endings[i] then
				if call('HSETNX', P .. 'u', key, id) == 1 then mend() end
				if call('HGET', P .. 'u', key) == id then call('HSET', P .. 'k', id, key) end
			elseif key ~= '' and call('HGET', P .. 'u', key) == id then
				mend(call('HDEL', P .. 'u', key))
				call('HDEL', P .. 'k', id)
			end
		end
	end
end

-- Counts are taken anew, in one go: for that the server stands still, some seconds for a million ended
-- tasks.
function part.count()
	local before = call('HGETALL', P .. 'n')
	local was = {}
	for i = 1, #before, 2 do was[before[i]] = tonumber(before[i + 1]) end
	for _, key in ipairs(call('KEYS', P .. 'd:*')) do
		count('created', queue_of(sub(key, #P + 3)), call('ZCARD', key))
	end
	for _, lease in ipairs(call('HKEYS', P .. 'l')) do
		for _, lane in ipairs(lanes_of(lease)) do count('running', queue_of(lane), call('SCARD', held_key(lease, lane))) end
	end
	for _, key in ipairs(call('KEYS', P .. 'f:*')) do
		local ids = call('HKEYS', key)
		for i = 1, #ids, 1000 do
			local some = { unpack(ids, i, math.min(i + 999, #ids)) }
			local records, ended = read('t', some), read('f', some)
			for j = 1, #some do
				if records[j] then count(sub(ended[j], 1, 1), queue_of(select(3, parse(records[j]))), 1) end
			end
		end
	end
	for key, n in pairs(counts) do if was[key] ~= n and n ~= 0 then mend() end end
	for key in pairs(was) do if not counts[key] then mend() end end
	call('DEL', P .. 'n')
end

part[ARGV[3]]()
finish_up()
return { mended }
