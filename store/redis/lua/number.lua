-- Reserves ARGV[3] ids and returns the last of them. A server that lost its last moments, by a crash or
-- to a failover, may have given ids that it knows nothing of: so whenever it is another process than the
-- last time, it goes on beyond all that can have been given since.
local beyond = 262144
local n = tonumber(ARGV[3])
local run = string.match(call('INFO', 'server'), 'run_id:(%x+)')
if call('GET', P .. 'run') ~= run then
	if call('EXISTS', P .. 'id') == 1 then n = n + beyond end
	call('SET', P .. 'run', run)
end
return { call('INCRBY', P .. 'id', fmt('%d', n)) }
