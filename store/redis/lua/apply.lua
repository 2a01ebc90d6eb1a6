-- Inserts, completes, fails and reschedules. ARGV[3] is '1' in a transaction: then all is done or
-- nothing, and nothing is a repeat. The rest are items, each with its kind:
--
--   i  id, again, due or '', delay, lane, name, key, replaces, the rest of the record
--   c  id, lease, result
--   f  id, lease, cancelled, attempt or '', error
--   r  id, lease, kind, after, attempt or '', error
--
-- It returns the time, and then for each item that did not simply go well its number from 0, what
-- became of it, and a value: 'lost'; 'existing' and the holder's id; 'replaced' and the holder's id;
-- 'repeat', the times it was created and is due.
local in_tx = ARGV[3] == '1'
local width = { i = 10, c = 4, f = 6, r = 7 }
local answer, failed = { now }, false
local function say(item, what, value)
	answer[#answer + 1] = item
	answer[#answer + 1] = what
	answer[#answer + 1] = value or ''
end

-- Read: which lease holds what. Positions of items by lease, then the sets of each.
local first = {}
local by_lease, leases, inserts = {}, {}, {}
local position, number = 4, 0
while position <= #ARGV do
	local kind = ARGV[position]
	first[number] = position
	if kind == 'i' then
		inserts[#inserts + 1] = number
	else
		local lease = ARGV[position + 2]
		if not by_lease[lease] then by_lease[lease] = {} leases[#leases + 1] = lease end
		local list = by_lease[lease]
		list[#list + 1] = number
	end
	position = position + width[kind]
	number = number + 1
end

local lane_of_item, lanes_of_lease, taken = {}, {}, {} -- taken: by which lease an id is settled here
for _, lease in ipairs(leases) do
	local lanes = lanes_of(lease)
	local open = by_lease[lease]
	lanes_of_lease[lease] = lanes
	for _, lane in ipairs(lanes) do
		local rest = {}
		for i = 1, #open, 1000 do
			local ids = {}
			for j = i, math.min(i + 999, #open) do ids[#ids + 1] = tonumber(ARGV[first[open[j]] + 1], 16) end
			local held = call('SMISMEMBER', held_key(lease, lane), unpack(ids))
			for j, is in ipairs(held) do
				local item = open[i + j - 1]
				local id = ARGV[first[item] + 1]
				if is == 1 and not taken[id] then
					taken[id] = lease
					lane_of_item[item] = lane
				else
					rest[#rest + 1] = item
				end
			end
		end
		open = rest
		if #open == 0 then break end
	end
	by_lease[lease] = open -- what is left is refused, or a repeat
end

local ends = { c = 'c', f = 'fx' }
for _, lease in ipairs(leases) do
	for _, item in ipairs(by_lease[lease]) do
		local at_item = first[item]
		local kind, id = ARGV[at_item], ARGV[at_item + 1]
		local over = not in_tx and ends[kind] and (call('HGET', P .. 'f:' .. sub(id, 1, 10), id) or taken[id] == lease and kind)
		local again = over and (over == kind or
			string.find(ends[kind], sub(over, 1, 1), 1, true) and sub(over, 18, 33) == lease)
		if not again then
			say(item, 'lost')
			failed = true
		end
	end
end
if in_tx and failed then return answer end

-- Read: what was stored before, and who holds the unique keys, by then.
local freed = {} -- ids that end here
for item, _ in pairs(lane_of_item) do
	local kind = ARGV[first[item]]
	if kind ~= 'r' then freed[ARGV[first[item] + 1]] = true end
end
local flagged = {}
if call('EXISTS', P .. 'x') == 1 then
	for item, _ in pairs(lane_of_item) do
		local id = ARGV[first[item] + 1]
		if call('SISMEMBER', P .. 'x', tonumber(id, 16)) == 1 then
			flagged[item] = true
			freed[id] = true
		end
	end
end
local keys_here, new, replaced = {}, {}, {}
for _, item in ipairs(inserts) do
	local a = first[item]
	local id, key = ARGV[a + 1], ARGV[a + 7]
	local known = ARGV[a + 2] == '1' and (call('HGET', P .. 't:' .. sub(id, 1, 10), id) or new[id])
	if known then
		local created, due = now, now
		if known ~= true then
			created, due = parse(known)
			local changed = state_of(call('HGET', P .. 'c:' .. sub(id, 1, 10), id)).due
			if changed ~= '' then due = changed end
		end
		say(item, 'repeat', created .. ' ' .. due)
	else
		local holder = key ~= '' and (keys_here[key] or call('HGET', P .. 'u', key))
		if holder and freed[holder] then holder = keys_here[key] end
		if not holder then
			if key ~= '' then keys_here[key] = id end
			new[id] = true
			new[#new + 1] = item
		elseif ARGV[a + 8] == '1' and not new[holder] then
			local record = call('HGET', P .. 't:' .. sub(holder, 1, 10), holder)
			local created, _, lane, name = parse(record)
			if name == ARGV[a + 6] and queue_of(lane) == queue_of(ARGV[a + 5]) and call('ZSCORE', P .. 'd:' .. lane, holder) then
				replaced[#replaced + 1] = { item = item, holder = holder, lane = lane, created = created }
				say(item, 'replaced', holder)
			else
				say(item, 'existing', holder)
			end
		else
			say(item, 'existing', holder)
		end
	end
end

-- Write: first what ends or is given back, which frees keys.
local ended, gone, again, given, stopped = {}, {}, {}, {}, {}
for item, lane in pairs(lane_of_item) do
	local a = first[item]
	local kind, id, lease = ARGV[a], ARGV[a + 1], ARGV[a + 2]
	local held = field(gone, lease)
	local list = held[lane]
	if not list then list = {} held[lane] = list end
	list[#list + 1] = tonumber(id, 16)
	stopped[lane] = (stopped[lane] or 0) + 1
	if kind == 'c' then
		ended[#ended + 1] = { id = id, lane = lane, status = 'c', lease = lease, result = ARGV[a + 3] }
	else
		again[#again + 1] = id
		given[#given + 1] = item
	end
end
local states, kept = #again > 0 and read('c', again), {}
for i, id in ipairs(again) do
	local item = given[i]
	local a, lane = first[item], lane_of_item[item]
	local state = state_of(states[i])
	if ARGV[a] == 'f' then
		add_error(state, ARGV[a + 4], ARGV[a + 5])
		local status = (ARGV[a + 3] == '1' or flagged[item]) and 'x' or 'f'
		ended[#ended + 1] = { id = id, lane = lane, status = status, lease = ARGV[a + 2] }
	else
		local kind = ARGV[a + 3]
		add_error(state, ARGV[a + 5], ARGV[a + 6])
		if flagged[item] then
			ended[#ended + 1] = { id = id, lane = lane, status = 'x', lease = ARGV[a + 2] }
		else
			if kind == 'retry' then state.retries = state.retries + 1 end
			if kind ~= 'release' then state.due = stamp(at + ARGV[a + 4]) end
			local due = state.due
			if due == '' then
				local _, since = parse(call('HGET', P .. 't:' .. sub(id, 1, 10), id))
				due = since
			end
			if tonumber(due) <= at then wake_for(lane) end
			enqueue(lane, { due, id })
			count('created', queue_of(lane), 1)
		end
	end
	put(kept, id, state_text(state))
end
for lease, held in pairs(gone) do
	for lane, ids in pairs(held) do each('SREM', held_key(lease, lane), ids) end
end
for lane, n in pairs(stopped) do count('running', queue_of(lane), -n) end
for _, lease in ipairs(leases) do close_if_empty(lease, lanes_of_lease[lease]) end
write('c', kept)
end_tasks(ended)

local records, waits = {}, {}
for _, r in ipairs(replaced) do
	local a = first[r.item]
	local due = ARGV[a + 3] ~= '' and tonumber(ARGV[a + 3]) > at and ARGV[a + 3] or stamp(at + ARGV[a + 4])
	call('ZREM', P .. 'd:' .. r.lane, r.holder)
	count('created', queue_of(r.lane), -1)
	put(records, r.holder, r.created .. '\0' .. due .. '\0' .. ARGV[a + 5] .. '\0' .. ARGV[a + 6] .. '\0' .. ARGV[a + 7] .. '\0' .. ARGV[a + 9])
	local state = call('HGET', P .. 'c:' .. sub(r.holder, 1, 10), r.holder)
	if state then
		state = state_of(state)
		state.due = due
		call('HSET', P .. 'c:' .. sub(r.holder, 1, 10), r.holder, state_text(state))
	end
	local z = field(waits, ARGV[a + 5])
	z[#z + 1] = due
	z[#z + 1] = r.holder
	if tonumber(due) <= at then z.due = true end
end
for _, item in ipairs(new) do
	local a = first[item]
	local id, lane, key = ARGV[a + 1], ARGV[a + 5], ARGV[a + 7]
	local due = ARGV[a + 3] ~= '' and tonumber(ARGV[a + 3]) > at and ARGV[a + 3] or stamp(at + ARGV[a + 4])
	put(records, id, now .. '\0' .. due .. '\0' .. lane .. '\0' .. ARGV[a + 6] .. '\0' .. key .. '\0' .. ARGV[a + 9])
	if key ~= '' then
		call('HSET', P .. 'u', key, id)
		call('HSET', P .. 'k', id, key)
	end
	local z = field(waits, lane)
	z[#z + 1] = due
	z[#z + 1] = id
	if tonumber(due) <= at then z.due = true end
end
write('t', records)
for lane, z in pairs(waits) do
	if z.due then wake_for(lane) end
	count('created', queue_of(lane), #z / 2)
	enqueue(lane, z)
end
finish_up()
return answer
