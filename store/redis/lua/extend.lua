-- Lets leases end no sooner than ARGV[3] microseconds from now. The rest are the leases; for each it
-- returns '0' if it holds nothing any more, or '1' and the ids of its tasks that are to be cancelled.
local answer = {}
local any = call('EXISTS', P .. 'x') == 1
for i = 4, #ARGV do
	local lanes, known = lanes_of(ARGV[i])
	local text = '0'
	if known then
		text = '1'
		call('ZADD', P .. 'leases', 'XX', 'GT', at + ARGV[3], ARGV[i])
		if any then
			for _, lane in ipairs(lanes) do
				for _, id in ipairs(call('SINTER', P .. 'x', held_key(ARGV[i], lane))) do text = text .. ' ' .. id end
			end
		end
	end
	answer[#answer + 1] = text
end
return answer
