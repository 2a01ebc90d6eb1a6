package open

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// An Option configures what a URL cannot say.
type Option func(*config)

type config struct {
	logger *slog.Logger
	offset func() time.Duration

	scratch string // the namespace of a scratch store; empty for another
}

func newConfig(opts []Option) config {
	c := config{logger: slog.Default(), offset: func() time.Duration { return 0 }}
	for _, o := range opts {
		o(&c)
	}
	return c
}

// Logger is where PostgreSQL, Redis and MongoDB stores tell of what weakens their promises, and of
// what they delete: [slog.Default] unless set. The others have nothing to tell.
func Logger(l *slog.Logger) Option { return func(c *config) { c.logger = l } }

// ClockOffset is added to the store's clock, for tests. It is called concurrently and must not go
// down.
func ClockOffset(offset func() time.Duration) Option {
	return func(c *config) { c.offset = offset }
}

// Store opens the store that url names; the package's documentation lists the URLs. All faults of the
// URL come in one error, which matches [store.ErrInvalid]. No error shows a password.
//
// SQLite's file is made and brought up to date, mongodb+srv looks for its hosts in the DNS, and
// MongoDB's driver begins to watch its servers in the background. Otherwise no server is talked to
// yet: the first call does. Call [store.Migrator] before, once for a release at least.
//
// The store has every capability of [store.Full]. Its connections are its own: [store.Close] closes
// the store and then them, and waits for transactions that are open. [store.As] finds the store of the
// driver's package behind it: store.As[*postgres.Store](s), say.
func Store(ctx context.Context, url string, opts ...Option) (store.Store, error) {
	c := newConfig(opts)
	dial, err := prepare(url, &c)
	if err != nil {
		return nil, err
	}
	s, err := dial.own(ctx)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return s, nil
}

// prepare checks a URL.
func prepare(url string, c *config) (*opener, error) {
	a, s, err := find(url)
	if err != nil {
		return nil, store.Invalid("open", err)
	}
	return s.plan(a, c)
}

// own opens the store, together with its connections.
func (o *opener) own(ctx context.Context) (*owner, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	s, release, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	return own(s, release), nil
}
