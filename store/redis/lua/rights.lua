-- Returns the commands that the user may not use on the namespace's keys or on its channel: ARGV[1] is
-- what these begin with, ARGV[2] the command that publishes. A script that came upon one would end
-- halfway. This one is used alone, and touches no key.
local key = ARGV[1] .. 'some'
local denied = {}
for _, command in ipairs({
	{ 'DEL', key }, { 'EXISTS', key }, { 'GET', key }, { 'SET', key, '' }, { 'INCRBY', key, 1 },
	{ 'HDEL', key, 'f' }, { 'HEXISTS', key, 'f' }, { 'HGET', key, 'f' }, { 'HGETALL', key }, { 'HINCRBY', key, 'f', 1 },
	{ 'HKEYS', key }, { 'HMGET', key, 'f' }, { 'HSET', key, 'f', '' }, { 'LRANGE', key, 0, 0 }, { 'LTRIM', key, 0, 0 },
	{ 'RPUSH', key, '' }, { 'SADD', key, '' }, { 'SINTER', key, key }, { 'SISMEMBER', key, '' }, { 'SMEMBERS', key },
	{ 'SMISMEMBER', key, '' }, { 'SREM', key, '' }, { 'TIME' }, { 'ZADD', key, 0, '' }, { 'ZRANGE', key, 0, 0 },
	{ 'ZRANGEBYSCORE', key, 0, 0 }, { 'ZREM', key, '' }, { 'ZREMRANGEBYRANK', key, 0, 0 },
	{ 'ZREMRANGEBYSCORE', key, 0, 0 }, { 'ZSCORE', key, '' }, { ARGV[2], ARGV[1] .. 'wake', '' },
}) do
	if not redis.acl_check_cmd(unpack(command)) then denied[#denied + 1] = command[1] end
end
return denied
