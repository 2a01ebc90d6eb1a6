package redis

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// An Option configures a store.
type Option func(*config)

type config struct {
	namespace     string
	keepCompleted time.Duration
	keepFailed    time.Duration
	replicas      int
	replicasIn    time.Duration
	logger        *slog.Logger
	offset        func() time.Duration
}

const (
	defaultRetention = 7 * 24 * time.Hour
	leastRetention   = 10 * time.Minute // rule 1
)

// Namespace is what the names of all keys begin with, in braces: "firefly" by default. It has 1 to 48
// lower-case letters, digits and underscores, and begins with no digit. In a cluster each namespace is
// in one slot, so a cluster is filled by several.
func Namespace(name string) Option { return func(c *config) { c.namespace = name } }

// Retention is how long completed tasks are kept at least: a week by default, never less than ten
// minutes. They are deleted by the hour, so some stay for an hour longer.
func Retention(d time.Duration) Option {
	return func(c *config) { c.keepCompleted = max(d, leastRetention) }
}

// RetentionFailed is how long failed and cancelled tasks are kept at least: a week by default, never
// less than ten minutes.
func RetentionFailed(d time.Duration) Option {
	return func(c *config) { c.keepFailed = max(d, leastRetention) }
}

// Replicas makes every write of tasks wait until n replicas have it, for that long at most, with WAIT. A write
// that fewer have by then is not taken back: its outcome is unknown, and the engine asks again. It
// makes it less likely, not impossible, that a failover loses what was acknowledged.
func Replicas(n int, within time.Duration) Option {
	return func(c *config) { c.replicas, c.replicasIn = n, within }
}

// Logger is where the store tells of what weakens its promises, and of what it deletes: [slog.Default]
// unless set.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// ClockOffset is added to the server's clock, for tests. It is called concurrently and must not go
// down.
func ClockOffset(offset func() time.Duration) Option {
	return func(c *config) { c.offset = offset }
}

var goodNamespace = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

func newConfig(opts []Option) (config, error) {
	c := config{
		namespace: "firefly", keepCompleted: defaultRetention, keepFailed: defaultRetention,
		logger: slog.Default(), offset: func() time.Duration { return 0 },
	}
	for _, o := range opts {
		o(&c)
	}
	var faults []error
	if !goodNamespace.MatchString(c.namespace) {
		faults = append(faults, fmt.Errorf("namespace %q does not match %s", c.namespace, goodNamespace))
	}
	if c.replicas < 0 || c.replicas > 0 && c.replicasIn <= 0 {
		faults = append(faults, errors.New("Replicas needs a number that is not negative and a time that is positive"))
	}
	return c, store.Invalid("redis", faults...)
}

// newSender marks a process's messages.
func newSender() string { return rand.Text()[:8] }
