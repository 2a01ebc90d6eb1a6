package fireflytest

import (
	"testing"

	"github.com/fireflytasks/go-firefly/firefly"
)

// An Option says how [Run] runs a task.
type Option func(*options)

type options struct {
	client    *firefly.Client
	attempt   int
	scheduled []firefly.ScheduleOption
	worker    firefly.WorkerConfig
}

func newOptions(tb testing.TB, opts []Option) *options {
	tb.Helper()
	o := &options{attempt: 1}
	for _, opt := range opts {
		opt(o)
	}
	if o.client == nil {
		o.client = NewClient(tb, NewStore(tb))
	}
	return o
}

// On runs the task on the client's store, scheduled through the client: with its defaults, codec
// and middleware. Give the client that the handler schedules with, so that its tasks are staged.
// Without it there is an empty store for each run.
func On(client *firefly.Client) Option { return func(o *options) { o.client = client } }

// Attempt says which run of the task it is, from 1, the default: all before it have failed. A run
// that fails past the task's last retry is firefly.Failed: see [firefly.MaxRetries].
func Attempt(n int) Option { return func(o *options) { o.attempt = n } }

// With sets fields of the task, by the options with which it would be scheduled. Its ETA and delay
// are taken for over.
func With(opts ...firefly.ScheduleOption) Option {
	return func(o *options) { o.scheduled = append(o.scheduled, opts...) }
}

// Worker configures the worker that runs the task: middleware, codecs, hooks, the logger, which is
// the test's own otherwise. Its queues and concurrency are set by [Run].
func Worker(cfg firefly.WorkerConfig) Option { return func(o *options) { o.worker = cfg } }
