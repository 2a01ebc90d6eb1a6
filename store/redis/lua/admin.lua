-- Cancels, retries or deletes tasks, or sets when they are due: ARGV[3] says which. ARGV[4] is the time
-- that they are to be due at, or '', and ARGV[5] the delay instead; the rest are ids. It decides and acts
-- on each by its state now, and returns for each that it changed or refuses its id and 'done', 'later',
-- 'flagged', 'running' or 'duplicate'.
local answer = {}
local function say(id, what)
	answer[#answer + 1] = id
	answer[#answer + 1] = what
end

-- Whether some lease holds a task of a lane.
local leases
local function runs(lane, number)
	leases = leases or call('ZRANGE', P .. 'leases', 0, -1)
	for _, lease in ipairs(leases) do
		if call('SISMEMBER', held_key(lease, lane), number) == 1 then return true end
	end
	return false
end
local function free_key(id)
	local key = call('HGET', P .. 'k', id)
	if key then
		call('HDEL', P .. 'u', key)
		call('HDEL', P .. 'k', id)
	end
end

local act = {}
function act.cancel(id, number, _, lane, _, ending)
	if ending then return end
	if call('ZREM', P .. 'd:' .. lane, id) == 1 then
		count('created', queue_of(lane), -1)
		end_tasks({ { id = id, lane = lane, status = 'x', lease = fmt('%16s', '') } })
		say(id, 'done')
	elseif runs(lane, number) and call('SADD', P .. 'x', number) == 1 then
		wake(queue_of(lane), id)
		say(id, 'flagged')
	end
end

function act.retry(id, _, shard, lane, key, ending)
	local status = ending and sub(ending, 1, 1)
	if status ~= 'f' and status ~= 'x' then return end
	if key ~= '' and call('HEXISTS', P .. 'u', key) == 1 then
		say(id, 'duplicate')
		return
	end
	local state = state_of(call('HGET', P .. 'c:' .. shard, id))
	state.retries, state.crashes, state.due = 0, 0, now
	call('HDEL', P .. 'f:' .. shard, id)
	call('HSET', P .. 'c:' .. shard, id, state_text(state))
	if key ~= '' then
		call('HSET', P .. 'u', key, id)
		call('HSET', P .. 'k', id, key)
	end
	count(status, queue_of(lane), -1)
	count('created', queue_of(lane), 1)
	wake_for(lane)
	enqueue(lane, { now, id })
	say(id, 'done')
end

-- The record stays as it was inserted: what is due since then is in the state.
local till = ARGV[4] ~= '' and tonumber(ARGV[4]) > at and ARGV[4] or stamp(at + ARGV[5])
act['set due'] = function(id, _, shard, lane, _, ending)
	if ending or not call('ZSCORE', P .. 'd:' .. lane, id) then return end
	local state = state_of(call('HGET', P .. 'c:' .. shard, id))
	state.due = till
	call('HSET', P .. 'c:' .. shard, id, state_text(state))
	local due = tonumber(till) <= at
	if due then wake_for(lane) end
	enqueue(lane, { till, id })
	say(id, due and 'done' or 'later')
end

-- How many were deleted of the lists of those that have ended, by the lists' names.
local gone = {}
function act.delete(id, number, _, lane, _, ending)
	if ending then
		count(sub(ending, 1, 1), queue_of(lane), -1)
		local list = list_of(ending)
		gone[list] = (gone[list] or 0) + 1
	elseif call('ZREM', P .. 'd:' .. lane, id) == 1 then
		count('created', queue_of(lane), -1)
		free_key(id)
	elseif runs(lane, number) then
		say(id, 'running')
		return
	end
	for _, kind in ipairs({ 't', 'c', 'f' }) do drop(kind, { id }) end
	say(id, 'done')
end

for i = 6, #ARGV do
	local id = ARGV[i]
	local shard = sub(id, 1, 10)
	local record = call('HGET', P .. 't:' .. shard, id)
	if record then
		local _, _, lane, _, key = parse(record)
		act[ARGV[3]](id, tonumber(id, 16), shard, lane, key, call('HGET', P .. 'f:' .. shard, id))
	end
end
-- A list may hold what others keep for long. So of twice as many as were deleted, from its front, those
-- that are left go to its end: the next call finds others there.
for name, n in pairs(gone) do
	local ids = call('LRANGE', P .. name, 0, 2 * n - 1)
	local endings, left = read('f', ids), {}
	for i, id in ipairs(ids) do
		if endings[i] then left[#left + 1] = id end
	end
	call('LTRIM', P .. name, #ids, -1)
	each('RPUSH', P .. name, left)
	if call('EXISTS', P .. name) == 0 then call('ZREM', P .. 'hours', name) end
end
finish_up()
return answer
