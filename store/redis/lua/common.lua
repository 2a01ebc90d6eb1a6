-- Stands before each script. KEYS[1] is the id counter, '{namespace}:id'; all other keys begin as it
-- does, so that they are in one slot. ARGV[1] is what tests add to the clock, in microseconds,
-- ARGV[2] the sender's mark. Scripts read first, and write only when nothing can go wrong any more.
--
--   id           the last id that was given      run  the process that gave it
--   t:<shard>    id -> created, due, lane, name, key, the rest      written once, unless replaced
--   c:<shard>    id -> retries, crashes, due, errors                of tasks that were given back, or given another time
--   f:<shard>    id -> how it ended, when, by which lease, result   of finished tasks
--   d:<lane>     ids of waiting tasks by the time they are due
--   l:<lease>:<lane>  ids that a lease holds, as numbers: 8 bytes each
--   l            lease -> worker and lanes      leases  lease by its end      s  spent leases by when
--   u            key -> id      k  id -> key    x  ids to be cancelled        p  paused queues
--   n            status:queue -> number of tasks         w  queue -> when workers were last woken
--   e:<status>:<hour>  ids that ended in an hour         hours  those lists, by hour
--
-- A lane is priority:queue. An id is 13 hexadecimal digits, so that ids sort as numbers; its shard
-- is the first 10. Fields of a record are separated by NUL.
local call, sub, fmt = redis.call, string.sub, string.format
local P = sub(KEYS[1], 1, -3)
local function field(values, key) if values[key] == nil then values[key] = {} end return values[key] end

-- In a cluster, while the slot moves, a key that is missing here may be over there: nothing can be
-- relied on, and nothing has been done yet.
if CLUSTER and type(redis.pcall('EXISTS', P .. 'never')) == 'table' then
	return redis.error_reply('TRYAGAIN the slot of this namespace is moving')
end

local time = call('TIME')
local at = time[1] * 1000000 + time[2] + ARGV[1]
local function stamp(us) return fmt('%.0f', us) end -- never us .. '': that keeps 14 digits
local now = stamp(at)

-- Counts are changed in one go at the end, and workers woken.
local counts, woken = {}, {}
local function count(status, queue, n)
	local key = status .. ':' .. queue
	counts[key] = (counts[key] or 0) + n
end
local function queue_of(lane) return sub(lane, string.find(lane, ':', 1, true) + 1) end
local function wake(queue, cancelled)
	local ids = field(woken, queue)
	if cancelled then ids[#ids + 1] = cancelled end
end
local function finish_up()
	for key, n in pairs(counts) do
		if n ~= 0 and call('HINCRBY', P .. 'n', key, fmt('%d', n)) == 0 then call('HDEL', P .. 'n', key) end
	end
	for queue, ids in pairs(woken) do
		local message = ARGV[2] .. ' ' .. queue
		for _, id in ipairs(ids) do message = message .. ',' .. fmt('%.0f', tonumber(id, 16)) end
		call('HSET', P .. 'w', queue, now)
		call(CLUSTER and 'SPUBLISH' or 'PUBLISH', P .. 'wake', message)
	end
end

-- Wakes the workers of a queue for a task that is put into a lane, unless one that is due waits
-- there already: then they have been told, and are on their way. If nobody comes for it, since it
-- is not for them, they are told now and then all the same.
local function wake_for(lane)
	local queue = queue_of(lane)
	if woken[queue] then return end
	local first = call('ZRANGEBYSCORE', P .. 'd:' .. lane, '-inf', at, 'LIMIT', 0, 1)
	if #first == 0 or at - (call('HGET', P .. 'w', queue) or 0) > 5000 then wake(queue) end
end

-- Reads hashes that are sharded by id; values come in the order of ids, false where there is none.
local function read(kind, ids)
	local places, shards, values = {}, {}, {}
	for i, id in ipairs(ids) do
		local shard = sub(id, 1, 10)
		if not places[shard] then places[shard] = {} shards[#shards + 1] = shard end
		local list = places[shard]
		list[#list + 1] = i
	end
	for _, shard in ipairs(shards) do
		local list, some = places[shard], ids
		if #shards > 1 then
			some = {}
			for j, i in ipairs(list) do some[j] = ids[i] end
		end
		local got = call('HMGET', P .. kind .. ':' .. shard, unpack(some))
		for j, i in ipairs(list) do values[i] = got[j] end
	end
	return values
end

-- Gathers values for hashes that are sharded by id, and writes them.
local function put(batch, id, value)
	local list = field(batch, sub(id, 1, 10))
	list[#list + 1] = id
	list[#list + 1] = value
end
local function write(kind, batch)
	for shard, list in pairs(batch) do
		for i = 1, #list, 1000 do call('HSET', P .. kind .. ':' .. shard, unpack(list, i, math.min(i + 999, #list))) end
	end
end
local function drop(kind, ids)
	local shards = {}
	for _, id in ipairs(ids) do local list = field(shards, sub(id, 1, 10)) list[#list + 1] = id end
	for shard, list in pairs(shards) do
		for i = 1, #list, 1000 do call('HDEL', P .. kind .. ':' .. shard, unpack(list, i, math.min(i + 999, #list))) end
	end
end

local function each(key_command, key, list)
	for i = 1, #list, 1000 do call(key_command, key, unpack(list, i, math.min(i + 999, #list))) end
end

-- What a record says of itself.
local function parse(record) return string.match(record, '^(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)%z(%Z*)%z') end -- created, due, lane, name, key
local function state_of(value)
	local retries, crashes, due, errors = string.match(value or '0\0' .. '0\0\0', '^(%Z*)%z(%Z*)%z(%Z*)%z(.*)$')
	return { retries = tonumber(retries), crashes = tonumber(crashes), due = due, errors = errors }
end
local function state_text(s) return s.retries .. '\0' .. s.crashes .. '\0' .. s.due .. '\0' .. s.errors end

-- The list of those that have ended as a task did, in the same hour.
local function list_of(ending) return 'e:' .. sub(ending, 1, 1) .. ':' .. fmt('%d', math.floor(sub(ending, 2, 17) / 3600000000)) end

-- Appends an error to a history, of which the last ten are kept.
local function add_error(state, attempt, text)
	if attempt == '' then return end
	local all = state.errors == '' and {} or cjson.decode(state.errors)
	all[#all + 1] = { attempt, now, text }
	while #all > 10 do table.remove(all, 1) end
	state.errors = cjson.encode(all)
end

-- The keys of the sets in which a lease holds its tasks, by lane.
local function lanes_of(lease)
	local lanes, known = {}, call('HGET', P .. 'l', lease)
	for lane in string.gmatch(known or '', '\n([^\n]+)') do lanes[#lanes + 1] = lane end
	return lanes, known
end
local function held_key(lease, lane) return P .. 'l:' .. lease .. ':' .. lane end

-- Closes a lease that holds nothing any more. Its id is remembered for a while: a repeat of its
-- claim must not claim again.
local function close_if_empty(lease, lanes)
	for _, lane in ipairs(lanes) do
		if call('EXISTS', held_key(lease, lane)) == 1 then return end
	end
	call('HDEL', P .. 'l', lease)
	call('ZREM', P .. 'leases', lease)
	call('ZADD', P .. 's', at, lease)
end

-- Ends tasks: each has an id, a lane, a status (c, f or x), a lease or 16 spaces, and a result. They
-- are in no index any more.
local function end_tasks(ended)
	if #ended == 0 then return end
	local records, lists, ids, numbers = {}, {}, {}, {}
	local hour, when = math.floor(at / 3600000000), fmt('%016.0f', at)
	for i = 1, #ended do
		local e = ended[i]
		local id, status = e.id, e.status
		put(records, id, status .. when .. e.lease .. (e.result or '-'))
		local list, n = lists[status], numbers[status]
		if not list then list = {} lists[status] = list n = {} numbers[status] = n end
		list[#list + 1] = id
		ids[i] = id
		n[e.lane] = (n[e.lane] or 0) + 1
	end
	for status, n in pairs(numbers) do
		for lane, some in pairs(n) do count(status, queue_of(lane), some) end
	end
	write('f', records)
	for status, list in pairs(lists) do
		local name = 'e:' .. status .. ':' .. hour
		each('RPUSH', P .. name, list)
		call('ZADD', P .. 'hours', hour, name)
	end
	if call('EXISTS', P .. 'k') == 1 then
		local keys = {}
		for i = 1, #ids, 1000 do
			local some = call('HMGET', P .. 'k', unpack(ids, i, math.min(i + 999, #ids)))
			for j, key in ipairs(some) do
				if key then call('HDEL', P .. 'u', key) call('HDEL', P .. 'k', ids[i + j - 1]) end
			end
		end
	end
	if call('EXISTS', P .. 'x') == 1 then
		for _, id in ipairs(ids) do call('SREM', P .. 'x', tonumber(id, 16)) end
	end
end

-- Lets tasks wait: z is a list of due times and ids.
local function enqueue(lane, z)
	for i = 1, #z, 1000 do call('ZADD', P .. 'd:' .. lane, unpack(z, i, math.min(i + 999, #z))) end
end
