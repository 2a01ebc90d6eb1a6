package firefly

import (
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A DeclareOption may be given to [Declare] and [Define].
type DeclareOption interface{ declare(s *settings) }

// A ScheduleOption may be given where a task is scheduled.
type ScheduleOption interface{ schedule(s *settings) }

// An Option may be given anywhere: as a client's default, in a declaration, where a task is
// scheduled. The later in this order wins.
type Option interface {
	DeclareOption
	ScheduleOption
}

// settings are all options, applied.
type settings struct {
	queue      string
	priority   int
	maxRetries int
	retryDelay time.Duration
	timeout    time.Duration

	eta       time.Time
	delay     time.Duration
	uniqueKey string
	replace   bool

	backoff    Backoff
	aliases    []string
	maxCrashes int
}

func defaultSettings() settings {
	return settings{queue: "default", retryDelay: 120 * time.Second, maxCrashes: 5}
}

func (s *settings) newTask(name, encoding string, params []byte) store.NewTask {
	return store.NewTask{
		Name: name, Queue: s.queue, Priority: s.priority, Encoding: encoding, Params: params,
		ETA: s.eta, Delay: s.delay, MaxRetries: s.maxRetries, RetryDelay: s.retryDelay,
		Timeout: s.timeout, UniqueKey: s.uniqueKey, Replace: s.replace,
	}
}

type (
	anyOption      func(*settings)
	declareOption  func(*settings)
	scheduleOption func(*settings)
)

func (o anyOption) declare(s *settings)       { o(s) }
func (o anyOption) schedule(s *settings)      { o(s) }
func (o declareOption) declare(s *settings)   { o(s) }
func (o scheduleOption) schedule(s *settings) { o(s) }

// Queue says which queue the task waits in. The default is "default".
func Queue(name string) Option { return anyOption(func(s *settings) { s.queue = name }) }

// MaxRetries is how often a failed task is tried again: n retries are n + 1 runs. The default
// is 0. Crashes of a worker are counted apart: see [MaxCrashes].
func MaxRetries(n int) Option { return anyOption(func(s *settings) { s.maxRetries = n }) }

// RetryDelay is the time between a failed run and its retry. The default is 120 seconds. It is
// stored with the task; a [WithBackoff] of the worker's declaration comes before it.
func RetryDelay(d time.Duration) Option { return anyOption(func(s *settings) { s.retryDelay = d }) }

// Priority is from -2 to 2, by default 0. Within a queue, and among the queues of a worker, the
// higher runs first; as long as there is such work, the lower waits.
func Priority(p int) Option { return anyOption(func(s *settings) { s.priority = p }) }

// Timeout bounds each run: past it the handler's context ends with [ErrTimeout], and an error
// that it then returns counts as a failure like any other. Zero, the default, is no bound.
func Timeout(d time.Duration) Option { return anyOption(func(s *settings) { s.timeout = d }) }

// WithBackoff computes the delay of each retry from the number of failures, in place of
// [RetryDelay]. It is not stored: the worker's declaration decides.
func WithBackoff(b Backoff) DeclareOption {
	return declareOption(func(s *settings) { s.backoff = b })
}

// Aliases are former names of the task. A worker runs stored tasks of these names, too.
func Aliases(names ...string) DeclareOption {
	names = slices.Clone(names)
	return declareOption(func(s *settings) { s.aliases = names })
}

// MaxCrashes is how often a task is run again after the worker that ran it died, or lost its
// lease, without a word. Past it the task fails, unrun. The default is 5; with 0, a task that
// may have started is never started again.
func MaxCrashes(n int) DeclareOption {
	return declareOption(func(s *settings) { s.maxCrashes = n })
}

// ETA lets the task run no sooner than at t, by the store's clock. A t in the past is now.
func ETA(t time.Time) ScheduleOption {
	return scheduleOption(func(s *settings) { s.eta = t })
}

// Delay lets the task run no sooner than d from now. It cannot be combined with [ETA].
func Delay(d time.Duration) ScheduleOption {
	return scheduleOption(func(s *settings) { s.delay = d })
}

// Unique lets at most one unfinished task have the key, in all queues together. If there is one
// already, nothing is stored and the handle stands for that one: see [Handle.Existing].
func Unique(key string) ScheduleOption {
	return scheduleOption(func(s *settings) { s.uniqueKey, s.replace = key, false })
}

// UniqueReplace is like [Unique], but if the task that has the key is of the same name and
// queue and does not run yet, it takes over the new arguments, times and settings.
func UniqueReplace(key string) ScheduleOption {
	return scheduleOption(func(s *settings) { s.uniqueKey, s.replace = key, true })
}
