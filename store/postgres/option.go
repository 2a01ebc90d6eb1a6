package postgres

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// An Option configures a store.
type Option func(*config)

type config struct {
	schema        string
	pooler        bool
	notify        bool
	keepCompleted time.Duration
	keepFailed    time.Duration
	logger        *slog.Logger
	offset        func() time.Duration
}

const (
	defaultRetention = 7 * 24 * time.Hour
	leastRetention   = 10 * time.Minute // rule 1
)

// Schema names the schema that holds the tables: "firefly" by default. It has 1 to 48 lower-case
// letters, digits and underscores, and begins with no digit.
func Schema(name string) Option { return func(c *config) { c.schema = name } }

// Pooler makes the store fit for PgBouncer, or another pooler, in transaction mode: it uses no
// named statements and keeps nothing in a session, so it cannot listen for notifications, and
// workers poll. A pool whose DefaultQueryExecMode does without named statements implies it.
func Pooler() Option { return func(c *config) { c.pooler = true } }

// Notify says whether workers of other processes are woken by NOTIFY, which is the default. It is
// a hint, sent apart from the write it tells of, a few hundred times a second at most.
func Notify(on bool) Option { return func(c *config) { c.notify = on } }

// Retention is how long completed tasks are kept at least: a week by default, never less than ten
// minutes. They are dropped by the day (UTC), so some stay for a day longer.
func Retention(d time.Duration) Option {
	return func(c *config) { c.keepCompleted = max(d, leastRetention) }
}

// RetentionFailed is how long failed and cancelled tasks are kept at least: a week by default,
// never less than ten minutes.
func RetentionFailed(d time.Duration) Option {
	return func(c *config) { c.keepFailed = max(d, leastRetention) }
}

// Logger is where the store tells of what weakens its promises, and of what it drops:
// [slog.Default] unless set.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// ClockOffset is added to the server's clock, for tests. It is called concurrently and must not
// go down.
func ClockOffset(offset func() time.Duration) Option {
	return func(c *config) { c.offset = offset }
}

var goodSchema = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

func checkSchema(name string) error {
	if goodSchema.MatchString(name) {
		return nil
	}
	return fmt.Errorf("schema %q does not match %s", name, goodSchema)
}

func newConfig(opts []Option) (config, error) {
	c := config{
		schema: "firefly", notify: true, keepCompleted: defaultRetention, keepFailed: defaultRetention,
		logger: slog.Default(), offset: func() time.Duration { return 0 },
	}
	for _, o := range opts {
		o(&c)
	}
	return c, store.Invalid("postgres", checkSchema(c.schema))
}
