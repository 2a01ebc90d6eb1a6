-- Deletes finished tasks past their retention: of completed ones ARGV[3] microseconds, of others
-- ARGV[4]. It looks at no more than ARGV[5], and returns how many it deleted, and '1' if there is more
-- to do. It also forgets leases that were spent ten minutes, or ten thousand claims, ago.
call('ZREMRANGEBYSCORE', P .. 's', '-inf', at - 600000000)
call('ZREMRANGEBYRANK', P .. 's', 0, -10001)
local most, deleted, more = tonumber(ARGV[5]), 0, '0'
for _, name in ipairs(call('ZRANGE', P .. 'hours', 0, -1)) do
	local status, hour = string.match(name, '^e:(%a):(%d+)$')
	local keep = tonumber(status == 'c' and ARGV[3] or ARGV[4])
	if (hour + 1) * 3600000000 + keep <= at then
		if most <= 0 then
			more = '1'
			break
		end
		local ids = call('LRANGE', P .. name, 0, most - 1)
		most = most - #ids
		local endings, records, gone = read('f', ids), read('t', ids), {}
		for i, id in ipairs(ids) do -- one that was retried, and has ended again, is in a later list, or here twice
			local ending = not gone[id] and endings[i]
			if ending and sub(ending, 1, 1) == status and math.floor(sub(ending, 2, 17) / 3600000000) == tonumber(hour) then
				gone[#gone + 1], gone[id] = id, true
				if records[i] then count(status, queue_of(select(3, parse(records[i]))), -1) end
			end
		end
		for _, kind in ipairs({ 't', 'c', 'f' }) do drop(kind, gone) end
		deleted = deleted + #gone
		call('LTRIM', P .. name, #ids, -1)
		if call('EXISTS', P .. name) == 1 then
			more = '1'
			break
		end
		call('ZREM', P .. 'hours', name)
	end
end
finish_up()
return { fmt('%d', deleted), more }
