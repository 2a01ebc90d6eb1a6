-- Leases due tasks. ARGV: 3 the limit, 4 the lease, 5 how long it lasts, 6 the worker, 7 '1' if it
-- goes on with a claim that this very call began, 8 how many lanes, then the lanes in the order to
-- claim from, for each how many tasks of other names are known to be in front, then the names.
--
-- It returns the lease's end; '1' if this claim is a repeat, with the ids of its tasks that are to be
-- cancelled, else '0'; how many in front of each lane are to be skipped the next time; and then id,
-- state and record of each task.
local limit, lease, lanes = tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[8])
local out, skips = {}, {}
for i = 1, lanes do skips[i] = 0 end
local function give(ids, lease_end, again)
	local answer = { lease_end, again, table.concat(skips, ' ') }
	if #ids == 0 then return answer end
	local states, records = read('c', ids), out
	if again ~= '0' then records = read('t', ids) end
	for i, id in ipairs(ids) do
		answer[#answer + 1] = id
		answer[#answer + 1] = states[i] or ''
		answer[#answer + 1] = records[i]
	end
	return answer
end

local lease_end = call('ZSCORE', P .. 'leases', lease)
local going_on = ARGV[7] == '1'
if going_on and not lease_end then return give({}, '0', '1') end -- lost, or settled, meanwhile
if not going_on and (lease_end or call('ZSCORE', P .. 's', lease)) then
	local ids, again = {}, '1'
	for _, lane in ipairs(lanes_of(lease)) do
		for _, id in ipairs(call('SMEMBERS', held_key(lease, lane))) do ids[#ids + 1] = fmt('%013x', id) end
		for _, id in ipairs(call('SINTER', P .. 'x', held_key(lease, lane))) do again = again .. ' ' .. id end
	end
	return give(ids, lease_end or '0', again)
end

-- One lease that ended: its tasks are due since then, with one crash more.
local function take_back(old, old_end)
	local ended, kept = {}, {}
	local old_lanes = lanes_of(old)
	for _, lane in ipairs(old_lanes) do
		local key, z = held_key(old, lane), {}
		local ids = call('SMEMBERS', key)
		for i, id in ipairs(ids) do ids[i] = fmt('%013x', id) end
		local states = #ids > 0 and read('c', ids)
		for i, id in ipairs(ids) do
			local state = state_of(states[i])
			state.crashes = state.crashes + 1
			if call('SISMEMBER', P .. 'x', tonumber(id, 16)) == 1 then
				ended[#ended + 1] = { id = id, lane = lane, status = 'x', lease = fmt('%16s', '') }
			else
				state.due = old_end
				z[#z + 1] = old_end
				z[#z + 1] = id
			end
			put(kept, id, state_text(state))
		end
		count('running', queue_of(lane), -#ids)
		count('created', queue_of(lane), #z / 2)
		if #z > 0 then
			wake_for(lane)
			enqueue(lane, z)
		end
		call('DEL', key)
	end
	write('c', kept)
	end_tasks(ended)
	close_if_empty(old, {})
	return #ended + 1
end
if not going_on then
	local old = call('ZRANGEBYSCORE', P .. 'leases', '-inf', at, 'WITHSCORES', 'LIMIT', 0, 1)
	if #old > 0 then take_back(old[1], stamp(old[2])) end
end

local names, paused = {}, {}
for i = 9 + 2 * lanes, #ARGV do names[ARGV[i]] = true end
for _, queue in ipairs(call('SMEMBERS', P .. 'p')) do paused[queue] = true end

-- Looks at due tasks of a lane, from those of other names on that were seen before. A call looks at no
-- more than a thousand of other names, each lane having its share: then the next one goes on where
-- this one was. A lane that was seen to its end is looked at anew.
local share = math.max(50, math.floor(1000 / lanes))
local ids, held = {}, {}
local function claim_from(i)
	local lane, skip = ARGV[8 + i], tonumber(ARGV[8 + lanes + i])
	local key, looks = P .. 'd:' .. lane, share
	while #ids < limit and looks > 0 do
		local want = skip > 0 and 200 or math.min(limit - #ids, 200) -- others are passed over quickly
		local found = call('ZRANGE', key, skip, skip + want - 1, 'WITHSCORES')
		local due = {}
		for j = 1, #found, 2 do
			if tonumber(found[j + 1]) > at then break end
			due[#due + 1] = found[j]
		end
		if #due == 0 then return end
		local records, took, others = read('t', due), {}, 0
		for j, id in ipairs(due) do
			if #ids == limit then break end
			local record = records[j]
			local name = record and select(4, parse(record))
			if record and names[name] then
				took[#took + 1] = id
				ids[#ids + 1] = id
				out[#out + 1] = record
			else
				looks = looks - 1
				others = others + 1
			end
		end
		if #took > 0 then
			call('ZREM', key, unpack(took))
			local list = field(held, lane)
			for _, id in ipairs(took) do list[#list + 1] = tonumber(id, 16) end
		end
		skip = skip + others
		if #due < want then break end
	end
	if looks <= 0 then skips[i] = skip end
end
for i = 1, lanes do
	if #ids >= limit then break end
	if not paused[queue_of(ARGV[8 + i])] then claim_from(i) end
end

if #ids > 0 then
	local text = call('HGET', P .. 'l', lease) or ARGV[6]
	for lane, list in pairs(held) do
		each('SADD', held_key(lease, lane), list)
		if not string.find(text .. '\n', '\n' .. lane .. '\n', 1, true) then text = text .. '\n' .. lane end
		count('created', queue_of(lane), -#list)
		count('running', queue_of(lane), #list)
	end
	lease_end = lease_end or stamp(at + ARGV[5])
	call('ZADD', P .. 'leases', lease_end, lease)
	call('HSET', P .. 'l', lease, text)
end
finish_up()
return give(ids, lease_end or '0', '0')
