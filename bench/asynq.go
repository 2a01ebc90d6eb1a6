package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
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
		{name: "4 servers x 12", servers: 4, workers: 12},
		{name: "4 servers x 50", servers: 4, workers: 50},
		{name: "4 servers x 5", servers: 4, workers: 5},
		{name: "1 server x 50", workers: 50},
	},
	"drain-one": {
		{name: "1 server x 10", workers: 10},
		{name: "1 server x 50", workers: 50},
		{name: "1 server x 200", workers: 200},
	},
	"work":         {{name: "4 servers x 12", servers: 4, workers: 12}},
	"latency":      {{name: "defaults"}},
	"sustained":    {{name: "4 servers x 12, check every 10 ms", servers: 4, workers: 12, tuned: true}},
	"memory":       {{name: "completed tasks are retained"}},
	"slots":        {{name: "1 server"}},
	"handler-1ms":  asynqWaiters,
	"handler-10ms": asynqWaiters,
	"workers-1":    asynqCrowd, // a server for each worker
	"workers-2":    asynqCrowd,
	"workers-4":    asynqCrowd,
	"workers-8":    asynqCrowd,
	"workers-16":   asynqCrowd,
	"retention":    nil, // its janitor comes when it likes
	"finished-10m": nil, // Firefly is compared with itself
	"soak":         nil,
}

var (
	asynqWaiters = []setting{{name: "4 servers x 50", servers: 4, workers: 50}, {name: "4 servers x 500", servers: 4, workers: 500}}
	asynqCrowd   = []setting{{name: "a server x 12 each", workers: 12}}
)

type asynqSystem struct {
	options asynq.RedisClientOpt
	client  *asynq.Client
	admin   *goredis.Client
	queues  []string // of the latest servers
}

func (b *redisBackend) openAsynq(context.Context) (system, error) {
	options := asynq.RedisClientOpt{Addr: b.server.Addr(), PoolSize: connections}
	return &asynqSystem{options: options, client: asynq.NewClient(options), admin: b.admin}, nil
}

// insert calls Enqueue for each task, as there is no call for many.
func (a *asynqSystem) insert(ctx context.Context, jobs []job, _ setting) error {
	if len(jobs) == 1 {
		return a.enqueue(ctx, jobs[0])
	}
	const goroutines = 16
	var next atomic.Int64
	return produce(goroutines, len(jobs), 1, func(int) error { return a.enqueue(ctx, jobs[next.Add(1)-1]) })
}

func (a *asynqSystem) enqueue(ctx context.Context, j job, options ...asynq.Option) error {
	text, err := json.Marshal(j.params)
	if err != nil {
		return err
	}
	if q := asynqQueue(j.queue, j.priority); q != defaultQueue {
		options = append(options, asynq.Queue(q))
	}
	if j.unique != "" {
		options = append(options, asynq.TaskID(j.unique))
	}
	if j.result {
		options = append(options, asynq.Retention(asynqKept))
	}
	if j.delay > 0 {
		options = append(options, asynq.ProcessIn(j.delay))
	}
	_, err = a.client.EnqueueContext(ctx, asynq.NewTask(task.Name(), text), options...)
	return err
}

// asynqKept is how long completed tasks stay: as Firefly keeps them.
const asynqKept = 7 * 24 * time.Hour

// asynqQueue is the queue of a priority: asynq has priorities of queues, not of tasks.
func asynqQueue(queue string, priority int) string {
	switch {
	case priority > 0:
		return queue + "-high"
	case priority < 0:
		return queue + "-low"
	}
	return queue
}

func (a *asynqSystem) fill(ctx context.Context, what content, n int) error {
	if what == future {
		return a.insert(ctx, later(n), quickly)
	}
	return a.fillFinished(ctx, n)
}

// fillFinished runs one task, and copies it as it is when it is completed.
func (a *asynqSystem) fillFinished(ctx context.Context, n int) error {
	id := fmt.Sprintf("%036d", 0) // as long as those that it makes itself
	one := later(1)[0]
	one.delay, one.unique, one.result = 0, id, true
	if err := a.enqueue(ctx, one); err != nil {
		return err
	}
	stop, err := a.work(ctx, setting{workers: 1}, load{}, func(params) {})
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

func (a *asynqSystem) work(_ context.Context, how setting, l load, handle func(params)) (func() error, error) {
	result := []byte(text(l.result))
	handler := asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		var p params
		err := json.Unmarshal(t.Payload(), &p)
		handle(p)
		if err == nil && len(result) > 0 {
			_, err = t.ResultWriter().Write(result)
		}
		return err
	})
	config := asynq.Config{Concurrency: how.workers, Logger: silent{}, ShutdownTimeout: time.Second, Queues: map[string]int{}}
	a.queues = nil
	for _, name := range l.names() {
		for weight, priority := range []int{-1, 0, 1} {
			if priority == 0 || l.priority {
				q := asynqQueue(name, priority)
				a.queues = append(a.queues, q)
				config.Queues[q] = weight + 1
			}
		}
	}
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
	for range max(1, how.servers) * max(1, l.servers) {
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
	keys := make([]string, 0, 2*len(a.queues))
	for _, q := range a.queues {
		keys = append(keys, "asynq:{"+q+"}:pending", "asynq:{"+q+"}:active")
	}
	left, err := a.admin.Exists(ctx, keys...).Result()
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
