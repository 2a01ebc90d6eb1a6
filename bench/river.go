package main

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivermigrate"
)

// Kind makes params the arguments of a River job.
func (params) Kind() string { return task.Name() }

// A riverSystem is River on one of its databases, with transactions of the type Tx.
type riverSystem[Tx any] struct {
	driver riverdriver.Driver[Tx]
	client *river.Client[Tx]
	riverDatabase[Tx]
}

// A riverDatabase is what River's driver does not tell.
type riverDatabase[Tx any] struct {
	another func() (riverdriver.Driver[Tx], func(), error)            // as in another process, and what closes it
	filling map[content]string                                        // statements that store $1 jobs with the arguments $2
	exec    func(ctx context.Context, text string, args ...any) error // beside River
	busy    func(ctx context.Context) (bool, error)                   // whether a job waits or runs
	end     func()
}

func newRiver[Tx any](ctx context.Context, driver riverdriver.Driver[Tx], db riverDatabase[Tx]) (system, error) {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return nil, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return nil, err
	}
	client, err := river.NewClient(driver, &river.Config{Logger: quiet})
	return &riverSystem[Tx]{driver, client, db}, err
}

func (r *riverSystem[Tx]) insert(ctx context.Context, jobs []job, _ setting) error {
	if len(jobs) == 1 {
		_, err := r.client.Insert(ctx, jobs[0].params, jobs[0].river())
		return err
	}
	many := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		many[i] = river.InsertManyParams{Args: j.params, InsertOpts: j.river()}
	}
	_, err := r.client.InsertManyFast(ctx, many)
	return err
}

// river says what is not the default. River makes the key of a job from its arguments, which differ.
func (j *job) river() *river.InsertOpts {
	if j.queue == defaultQueue && j.priority == 0 && j.unique == "" {
		return nil
	}
	const normal = 2 // of 1 to 4, the first being the highest
	return &river.InsertOpts{
		Queue: j.queue, Priority: normal - j.priority, UniqueOpts: river.UniqueOpts{ByArgs: j.unique != ""},
	}
}

func (r *riverSystem[Tx]) fill(ctx context.Context, what content, n int) error {
	return r.exec(ctx, r.filling[what], n, string(sample))
}

// sweep implements sweeper by what River's cleaner calls.
func (r *riverSystem[Tx]) sweep(ctx context.Context) (int, error) {
	return r.driver.GetExecutor().JobDeleteBefore(ctx, &riverdriver.JobDeleteBeforeParams{
		CompletedDoDelete: true, CompletedFinalizedAtHorizon: time.Now(), Max: 1000,
	})
}

// riverWorker calls a function for each job.
type riverWorker struct {
	river.WorkerDefaults[params]
	handle func(params)
	result string
}

func (w *riverWorker) Work(ctx context.Context, job *river.Job[params]) error {
	w.handle(job.Args)
	if w.result == "" {
		return nil
	}
	return river.RecordOutput(ctx, w.result)
}

func (r *riverSystem[Tx]) work(ctx context.Context, how setting, l load, handle func(params)) (func() error, error) {
	w := &riverWorker{handle: handle, result: text(l.result)}
	stop, err := r.start(ctx, r.driver, how, l, w)
	if err != nil {
		return nil, err
	}
	stops := []func() error{stop}
	stopAll := func() (err error) {
		for _, stop := range stops {
			err = errors.Join(err, stop())
		}
		return err
	}
	for len(stops) < l.servers {
		driver, end, err := r.another()
		if err != nil {
			return nil, errors.Join(err, stopAll())
		}
		stop, err := r.start(ctx, driver, how, l, w)
		if err != nil {
			end()
			return nil, errors.Join(err, stopAll())
		}
		stops = append(stops, func() error { defer end(); return stop() })
	}
	return stopAll, nil
}

// start starts a client that shares its workers out among the queues.
func (r *riverSystem[Tx]) start(
	ctx context.Context, driver riverdriver.Driver[Tx], how setting, l load, w *riverWorker,
) (func() error, error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	c := &river.Config{Logger: quiet, Workers: workers, Queues: map[string]river.QueueConfig{}}
	queues := l.names()
	for _, name := range queues {
		c.Queues[name] = river.QueueConfig{MaxWorkers: max(10, how.workers/len(queues))}
	}
	if how.tuned {
		c.FetchCooldown, c.FetchPollInterval = 2*time.Millisecond, 20*time.Millisecond
	}
	client, err := river.NewClient(driver, c)
	if err != nil {
		return nil, err
	}
	if err := client.Start(ctx); err != nil {
		return nil, err
	}
	return func() error { return client.Stop(context.WithoutCancel(ctx)) }, nil
}

func (r *riverSystem[Tx]) settled(ctx context.Context, _ int) (bool, error) {
	busy, err := r.busy(ctx)
	return !busy, err
}

func (r *riverSystem[Tx]) close() error { r.end(); return nil }
