package main

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// redisBackend is a Redis server that writes a log, and has it on the disk within a second.
type redisBackend struct {
	owner  *owner
	server *servers.Redis
	admin  *goredis.Client
}

func newRedis(ctx context.Context) (backend, error) {
	o := &owner{}
	// The log is rewritten when nothing is measured, as PostgreSQL's checkpoints are.
	server := servers.NewRedis(o, "appendfsync everysec", "auto-aof-rewrite-percentage 0")
	b := &redisBackend{o, server, goredis.NewClient(&goredis.Options{Addr: server.Addr()})}
	if err := b.admin.Ping(ctx).Err(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *redisBackend) contenders() []contender {
	return []contender{
		{name: "Firefly", settings: fireflyOnRedis, open: b.openFirefly},
		{name: "asynq", settings: asynqSettings, open: b.openAsynq},
		{name: "bare Lua", settings: luaSettings, open: b.openLua},
	}
}

// fireflyOnRedis is fireflySettings, with concurrencies that suit Redis.
var fireflyOnRedis = func() map[string][]setting {
	m := maps.Clone(fireflySettings)
	m["drain"] = []setting{
		{name: "defaults"},
		{name: "concurrency 10", workers: 10},
		{name: "concurrency 50", workers: 50},
		{name: "concurrency 200", workers: 200},
		{name: "concurrency 1,000", workers: 1000},
	}
	m["drain-one"] = m["work"]
	m["sustained"] = m["work"]
	m["memory"] = m["work"]
	return m
}()

func (b *redisBackend) about(ctx context.Context) (about, error) {
	info, err := b.info(ctx, "server")
	return about{"Redis " + info["redis_version"], 1}, err
}

func (b *redisBackend) reset(ctx context.Context) error { return b.admin.FlushAll(ctx).Err() }

// settle rewrites the log, and waits until the server has deleted the old one.
func (b *redisBackend) settle(ctx context.Context) error {
	if err := b.admin.BgRewriteAOF(ctx).Err(); err != nil {
		return err
	}
	err := until(ctx, func() (bool, error) {
		info, err := b.info(ctx, "persistence")
		return info["aof_rewrite_in_progress"] == "0" && info["aof_rewrite_scheduled"] == "0", err
	})
	if err != nil {
		return err
	}
	pids, err := b.server.Processes()
	return errors.Join(err, rest(ctx, pids))
}

func (b *redisBackend) used(ctx context.Context) (u usage, err error) {
	info, err := b.info(ctx, "persistence", "memory")
	if err != nil {
		return u, err
	}
	u.journal, err = strconv.ParseFloat(info["aof_current_size"], 64)
	if err != nil {
		return u, err
	}
	u.memory, err = strconv.ParseFloat(info["used_memory"], 64)
	if err != nil {
		return u, err
	}
	u.stored = u.memory
	pids, err := b.server.Processes()
	u.cpu = familyCPU(pids)
	return u, err
}

// info returns what the server says of itself.
func (b *redisBackend) info(ctx context.Context, sections ...string) (map[string]string, error) {
	text, err := b.admin.Info(ctx, sections...).Result()
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	return values, err
}

func (b *redisBackend) close() {
	_ = b.admin.Close()
	b.owner.end()
}

// connections are how many each contender may have.
const connections = 64

func (b *redisBackend) openFirefly(context.Context) (system, error) {
	s, err := b.store()
	if err != nil {
		return nil, err
	}
	return newFirefly(s, fireflyOn{
		finish:  func(ctx context.Context, n int) error { return finishMany(ctx, s, n) },
		another: b.store,
	})
}

// store opens a store as a process would.
func (b *redisBackend) store() (store.Store, error) {
	client := goredis.NewClient(&goredis.Options{Addr: b.server.Addr(), PoolSize: connections})
	s, err := redis.New(client, redis.Logger(quiet))
	return s, errors.Join(err, client.Close()) // the store has connections of its own
}
