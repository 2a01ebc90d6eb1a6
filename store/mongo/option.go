package mongo

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/store"
)

// An Option configures a store.
type Option func(*config)

type config struct {
	prefix        string
	keepCompleted time.Duration
	keepFailed    time.Duration
	logger        *slog.Logger
	offset        func() time.Duration
}

const (
	defaultRetention = 7 * 24 * time.Hour
	leastRetention   = 10 * time.Minute // rule 1
)

// Prefix is what the names of the collections begin with: "firefly" by default, for firefly_task,
// firefly_lease and firefly_meta. It has 1 to 48 lower-case letters, digits and underscores, and
// begins with no digit.
func Prefix(name string) Option { return func(c *config) { c.prefix = name } }

// Retention is how long completed tasks are kept at least: a week by default, never less than ten
// minutes.
func Retention(d time.Duration) Option {
	return func(c *config) { c.keepCompleted = max(d, leastRetention) }
}

// RetentionFailed is how long failed and cancelled tasks are kept at least: a week by default, never
// less than ten minutes.
func RetentionFailed(d time.Duration) Option {
	return func(c *config) { c.keepFailed = max(d, leastRetention) }
}

// Logger is where the store tells of what weakens its promises, and of what it deletes: [slog.Default]
// unless set.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// ClockOffset is added to the server's clock, for tests. It is called concurrently and must not go
// down.
func ClockOffset(offset func() time.Duration) Option {
	return func(c *config) { c.offset = offset }
}

var goodPrefix = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

func newConfig(db *mongo.Database, opts []Option) (config, error) {
	c := config{
		prefix: "firefly", keepCompleted: defaultRetention, keepFailed: defaultRetention,
		logger: slog.Default(), offset: func() time.Duration { return 0 },
	}
	for _, o := range opts {
		o(&c)
	}
	var faults []error
	if db == nil {
		faults = append(faults, errors.New("the database is nil"))
	}
	if !goodPrefix.MatchString(c.prefix) {
		faults = append(faults, fmt.Errorf("prefix %q does not match %s", c.prefix, goodPrefix))
	}
	return c, store.Invalid("mongo", faults...)
}
