-- Reads tasks. ARGV from 3 are ids; it returns the time, and then of each task that is there: its id,
-- record, state, how it ended, and if it runs its lease, when that ends, who holds it, and '1' if it is
-- to be cancelled; or '' for the lease if it waits.
local ids = {}
for i = 3, #ARGV do ids[#ids + 1] = ARGV[i] end
local answer = { now }
if #ids == 0 then return answer end
local records, states, endings = read('t', ids), read('c', ids), read('f', ids)
local leases -- read if one is needed
for i, id in ipairs(ids) do
	local record, number = records[i], tonumber(id, 16)
	if record then
		local _, _, lane = parse(record)
		local lease, lease_end, worker = '', '', ''
		if not endings[i] and not call('ZSCORE', P .. 'd:' .. lane, id) then
			leases = leases or call('ZRANGE', P .. 'leases', 0, -1, 'WITHSCORES')
			for j = 1, #leases, 2 do
				if call('SISMEMBER', held_key(leases[j], lane), number) == 1 then
					lease, lease_end = leases[j], leases[j + 1]
					worker = string.match(call('HGET', P .. 'l', lease) or '', '^[^\n]*')
					break
				end
			end
		end
		local cancel = lease ~= '' and call('SISMEMBER', P .. 'x', number) == 1
		for _, value in ipairs({ id, record, states[i] or '', endings[i] or '', lease, lease_end, worker, cancel and '1' or '0' }) do
			answer[#answer + 1] = value
		end
	end
end
return answer
