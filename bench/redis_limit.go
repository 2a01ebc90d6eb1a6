package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// luaSettings are what three lines of Lua for each step do: ids in a list, params in a hash, leases in
// a sorted set.
var luaSettings = map[string][]setting{
	"insert-1":    {{name: "LPUSH, HSET", producers: 1}},
	"insert-16":   {{name: "LPUSH, HSET", producers: 16}},
	"insert-bulk": {{name: "2 x 200", producers: 2, batch: 200}, {name: "4 x 200", producers: 4, batch: 200}},
	"drain":       {{name: "2 loops", workers: 2}, {name: "4 loops", workers: 4}},
	"wal":         {{name: "2 loops", workers: 2}},
	"latency":     {{name: "LPUSH, HSET, PUBLISH, a loop that subscribes", told: true}},
}

var (
	luaInsert = goredis.NewScript(`
local ids = {}
for i = 1, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
redis.call('HSET', '{limit}:params', unpack(ARGV))
redis.call('LPUSH', '{limit}:ids', unpack(ids))
return KEYS[1] and redis.call('PUBLISH', KEYS[1], '')`)
	luaClaim = goredis.NewScript(`
local ids, leases = redis.call('RPOP', '{limit}:ids', ARGV[1]), {}
if not ids then return {} end
for i, id in ipairs(ids) do leases[2 * i - 1], leases[2 * i] = ARGV[2], id end
redis.call('ZADD', '{limit}:leases', unpack(leases))
return { ids, redis.call('HMGET', '{limit}:params', unpack(ids)) }`)
	luaComplete = goredis.NewScript(`
redis.call('HDEL', '{limit}:params', unpack(ARGV))
return redis.call('INCRBY', '{limit}:done', redis.call('ZREM', '{limit}:leases', unpack(ARGV)))`)
)

// luaChannel is where a loop is told of tasks.
const luaChannel = "{limit}:new"

// luaBatch is how many tasks one script takes.
const luaBatch = 200

// A luaSystem takes and completes tasks, and knows neither retries, nor due times, nor results.
type luaSystem struct {
	client *goredis.Client
	last   atomic.Int64
}

func (b *redisBackend) openLua(context.Context) (system, error) {
	return &luaSystem{client: goredis.NewClient(&goredis.Options{Addr: b.server.Addr(), PoolSize: connections})}, nil
}

func (l *luaSystem) insert(ctx context.Context, jobs []job, how setting) error {
	if how.told {
		return noReply(luaInsert.Run(ctx, l.client, []string{luaChannel}, l.nextID(), jobs[0].params.json()).Err())
	}
	n := len(jobs)
	for ; n > luaBatch; n -= luaBatch {
		if err := l.push(ctx, luaBatch); err != nil {
			return err
		}
	}
	return l.push(ctx, n)
}

// push inserts tasks in one script.
func (l *luaSystem) push(ctx context.Context, n int) error {
	args := make([]any, 0, 2*n)
	for range n {
		args = append(args, l.nextID(), sample)
	}
	return noReply(luaInsert.Run(ctx, l.client, nil, args...).Err())
}

func (l *luaSystem) nextID() string { return fmt.Sprintf("%013x", l.last.Add(1)) }

// noReply drops the error that stands for a script's nil.
func noReply(err error) error {
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	return err
}

func (l *luaSystem) fill(context.Context, content, int) error { return errors.ErrUnsupported }

func (l *luaSystem) work(ctx context.Context, how setting, _ load, handle func(params)) (func() error, error) {
	if how.told {
		return l.listen(ctx, handle)
	}
	return rounds(ctx, how.workers, func(ctx context.Context, _ int) error {
		n, err := l.round(ctx, func(any) { handle(params{}) })
		if n == 0 {
			time.Sleep(time.Millisecond)
		}
		return err
	}), nil
}

// listen makes a round for each message, and each second.
func (l *luaSystem) listen(ctx context.Context, handle func(params)) (func() error, error) {
	subscription := l.client.Subscribe(ctx, luaChannel)
	if _, err := subscription.Receive(ctx); err != nil {
		return nil, errors.Join(err, subscription.Close())
	}
	stop := rounds(ctx, 1, func(ctx context.Context, _ int) error {
		select {
		case <-subscription.Channel():
		case <-time.After(time.Second):
		}
		_, err := l.round(ctx, func(text any) {
			s, _ := text.(string)
			handle(read([]byte(s)))
		})
		return err
	})
	return func() error { return errors.Join(stop(), subscription.Close()) }, nil
}

// round takes tasks and completes them. It returns how many there were.
func (l *luaSystem) round(ctx context.Context, handle func(text any)) (int, error) {
	end := strconv.FormatInt(time.Now().Add(30*time.Second).Unix(), 10)
	claimed, err := luaClaim.Run(ctx, l.client, nil, luaBatch, end).Slice()
	if err != nil || len(claimed) == 0 {
		return 0, err
	}
	ids, _ := claimed[0].([]any)
	texts, _ := claimed[1].([]any)
	for _, text := range texts {
		handle(text)
	}
	return len(ids), luaComplete.Run(ctx, l.client, nil, ids...).Err()
}

func (l *luaSystem) settled(ctx context.Context, n int) (bool, error) {
	done, err := l.client.Get(ctx, "{limit}:done").Int()
	return done >= n, noReply(err)
}

func (l *luaSystem) close() error { return l.client.Close() }
