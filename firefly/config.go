package firefly

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// WorkerConfig configures a [Worker]. Its zero value is ready for use.
type WorkerConfig struct {
	// Queues to serve, equals among each other; empty is "default". For another concurrency
	// for one of them, run another worker.
	Queues []string
	// Concurrency is how many tasks run at once; zero is 100.
	Concurrency int
	// Lease is how long a task stays with a worker that is not heard of any more, before it is
	// run again elsewhere; zero is 30 seconds. It is extended every third of it.
	Lease time.Duration
	// PollInterval is the longest time between two looks for due tasks; zero is a second. It
	// starts at 50 milliseconds after work and doubles. Stores that can wake workers do.
	PollInterval time.Duration
	// ShutdownGrace is how long running handlers may go on when Run's context has ended,
	// before theirs ends, too; zero is 10 seconds, and negative is not at all.
	ShutdownGrace time.Duration
	// MaxReturned caps an encoded result, in bytes; zero is DefaultMaxPayload. A larger one
	// fails the task.
	MaxReturned int
	// Codecs decode arguments and encode results, each of the tasks stored under its name.
	// JSON and Base64(JSON) are always there.
	Codecs []Codec
	// Retention is how long the finished tasks of the queues are kept; its zero value leaves that
	// to the store.
	Retention Retention
	// Middleware wraps every run; the first is outermost.
	Middleware []Middleware
	// Hooks are told what happens.
	Hooks Hooks
	// Logger is for the worker and, through [Info.Logger], for handlers; nil is slog.Default.
	Logger *slog.Logger
	// Name tells people which worker holds a task; empty is host, process and a random part.
	Name string
}

// shortestLease leaves time for a call to the store between two extensions.
const shortestLease = 100 * time.Millisecond

// complete fills in the defaults and returns the faults.
func (c *WorkerConfig) complete() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(c.Queues) == 0 {
		c.Queues = []string{"default"}
	}
	c.Queues = slices.Clone(c.Queues)
	for i, q := range c.Queues {
		if err := store.CheckName(q); err != nil {
			fault("queue %w", err)
		}
		if slices.Contains(c.Queues[:i], q) {
			fault("queue %q is named twice", q)
		}
	}
	setDefault(&c.Concurrency, 100)
	if c.Concurrency < 0 {
		fault("concurrency %d is negative", c.Concurrency)
	}
	setDefault(&c.Lease, 30*time.Second)
	if c.Lease < shortestLease {
		fault("lease %s is shorter than %s", c.Lease, shortestLease)
	}
	setDefault(&c.PollInterval, time.Second)
	if c.PollInterval < 0 {
		fault("poll interval %s is negative", c.PollInterval)
	}
	setDefault(&c.ShutdownGrace, 10*time.Second)
	setDefault(&c.MaxReturned, DefaultMaxPayload)
	if err := checkCap("MaxReturned", c.MaxReturned); err != nil {
		faults = append(faults, err)
	}
	if err := checkSet("Middleware", c.Middleware); err != nil {
		faults = append(faults, err)
		c.Middleware = nil
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	setDefault(&c.Name, workerName())
	return faults
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails: see crypto/rand
	return fmt.Sprintf("%s:%d:%s", host, os.Getpid(), hex.EncodeToString(b[:]))
}
