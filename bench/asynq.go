package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	goredis "github.com/redis/go-redis/v9"
)

// asynqSettings are the best that we know for asynq. It cannot insert many tasks in one call, so many
// goroutines do. A server takes one task after the other, so four take more than one.
var asynqSettings = map[string][]setting{
	"insert-1":  {{name: "Enqueue", producers: 1}},
	"insert-16": {{name: "Enqueue", producers: 16}},
	"insert-bulk": {
		{name: "Enqueue from 16 goroutines", producers: 16, batch: 1},
		{name: "Enqueue from 32 goroutines", producers: 32, batch: 1},
		{name: "Enqueue from 64 goroutines", producers: 64, batch: 1},
	},
	"drain": {
		{name: "1 server x 50", workers: 50},
		{name: "4 servers x 5", servers: 4, workers: 5},
		{name: "4 servers x 50", servers: 4, workers: 50},
		{name: "4 servers x 12", servers: 4, workers: 12},
	},
	"drain-one": {
		{name: "1 server x 10", workers: 10},
		{name: "1 server x 50", workers: 50},
		{name: "1 server x 200", workers: 200},
	},
	"latency":   {{name: "defaults"}},
	"sustained": {{name: "4 servers x 12, check every 10 ms", servers: 4, workers: 12, tuned: true}},
	"wal":       {{name: "4 servers x 12", servers: 4, workers: 12}},
	"memory":    {{name: "completed tasks are retained"}},
	"finished":  {{name: "4 servers x 12", servers: 4, workers: 12}},
	"future":    {{name: "4 servers x 12", servers: 4, workers: 12}},
}

type asynqSystem struct {
	options asynq.RedisClientOpt
	client  *asynq.Client
	admin   *goredis.Client
}

func (b *redisBackend) openAsynq(context.Context) (system, error) {
	options := asynq.RedisClientOpt{Addr: b.server.Addr(), PoolSize: connections}
	return &asynqSystem{options, asynq.NewClient(options), b.admin}, nil
}

func (a *asynqSystem) insert(ctx context.Context, p params) error { return a.enqueue(ctx, p) }

func (a *asynqSystem) enqueue(ctx context.Context, p params, options ...asynq.Option) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = a.client.EnqueueContext(ctx, asynq.NewTask(task.Name(), text), options...)
	return err
}

func (a *asynqSystem) insertMany(ctx context.Context, n int, _ setting) error {
	return a.enqueueMany(ctx, n)
}

func (a *asynqSystem) enqueueMany(ctx context.Context, n int, options ...asynq.Option) error {
	if n == 1 {
		return a.enqueue(ctx, newParams(n), options...)
	}
	const goroutines = 16
	return produce(goroutines, n, 1, func(n int) error { return a.enqueue(ctx, newParams(n), options...) })
}

func (a *asynqSystem) fill(ctx context.Context, what content, n int) error {
	if what == future {
		return a.enqueueMany(ctx, n, asynq.ProcessIn(24*time.Hour))
	}
	return a.fillFinished(ctx, n)
}

// fillFinished runs one task, and copies it as it is when it is completed.
func (a *asynqSystem) fillFinished(ctx context.Context, n int) error {
	const kept = 7 * 24 * time.Hour // as Firefly
	id := fmt.Sprintf("%036d", 0)   // as long as those that it makes itself
	if err := a.enqueue(ctx, newParams(0), asynq.TaskID(id), asynq.Retention(kept)); err != nil {
		return err
	}
	stop, err := a.work(ctx, setting{workers: 1}, func(params) {})
	if err != nil {
		return err
	}
	err = until(ctx, func() (bool, error) {
		done, err := a.admin.ZCard(ctx, completedKey).Result()
		return done == 1, err
	})
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	return produce(quickly.producers, n-1, quickly.batch, func(n int) error {
		return copyTask.Run(ctx, a.admin, []string{completedKey, taskKey + id}, taskKey, n).Err()
	})
}

const (
	completedKey = "asynq:{default}:completed"
	taskKey      = "asynq:{default}:t:"
)

// copyTask makes ARGV[2] copies of the completed task KEYS[2].
var copyTask = goredis.NewScript(`
local score = redis.call('TIME')[1] + 7 * 24 * 3600
for i = 1, tonumber(ARGV[2]) do
	local id = string.format('%036d', redis.call('INCR', '{default}:copies'))
	redis.call('COPY', KEYS[2], ARGV[1] .. id)
	redis.call('ZADD', KEYS[1], score, id)
end
return 1`)

func (a *asynqSystem) work(_ context.Context, how setting, handle func(params)) (func() error, error) {
	handler := asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		var p params
		err := json.Unmarshal(t.Payload(), &p)
		handle(p)
		return err
	})
	config := asynq.Config{Concurrency: how.workers, Logger: silent{}, ShutdownTimeout: time.Second}
	if how.tuned {
		config.TaskCheckInterval = 10 * time.Millisecond
	}
	var running []*asynq.Server
	stop := func() error {
		for _, s := range running {
			s.Shutdown()
		}
		return nil
	}
	for range max(1, how.servers) {
		s := asynq.NewServer(a.options, config)
		if err := s.Start(handler); err != nil {
			return nil, errors.Join(err, stop())
		}
		running = append(running, s)
	}
	return stop, nil
}

// settled looks whether no task waits or runs: asynq deletes those that are completed, unless it is to
// retain them.
func (a *asynqSystem) settled(ctx context.Context, _ int) (bool, error) {
	left, err := a.admin.Exists(ctx, "asynq:{default}:pending", "asynq:{default}:active").Result()
	return left == 0, err
}

func (a *asynqSystem) close() error { return a.client.Close() }

// silent drops what asynq has to tell.
type silent struct{}

func (silent) Debug(...any)   {}
func (silent) Info(...any)    {}
func (silent) Warn(...any)    {}
func (silent) Error(...any)   {}
func (silent) Fatal(a ...any) { panic(fmt.Sprint(a...)) }
