-- Cancels, retries or deletes tasks: ARGV[3] says which; the rest are ids. It decides and acts on each
-- by its state now, and returns for each that it changed or refuses its id and 'done', 'flagged',
-- 'running' or 'duplicate'.
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

function act.delete(id, number, _, lane, _, ending)
	if ending then
		count(sub(ending, 1, 1), queue_of(lane), -1)
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

for i = 4, #ARGV do
	local id = ARGV[i]
	local shard = sub(id, 1, 10)
	local record = call('HGET', P .. 't:' .. shard, id)
	if record then
		local _, _, lane, _, key = parse(record)
		act[ARGV[3]](id, tonumber(id, 16), shard, lane, key, call('HGET', P .. 'f:' .. shard, id))
	end
end
finish_up()
return answer
