package redis

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/background"
	"github.com/fireflytasks/go-firefly/internal/ids"
	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Store is a store in Redis. Make one with [New].
type Store struct {
	config
	server  server
	scripts scripts
	sender  string // marks this process's messages

	beside *background.Group // what runs beside the calls

	looking sync.Mutex
	ready   atomic.Bool // the server has been looked at

	board  wake.Board
	listen sync.Once
	ids    ids.Ranges
	skips  skips
	work   atomic.Int64 // calls since the last sweep
}

var (
	_ store.Full               = (*Store)(nil)
	_ store.ConcurrentInserter = (*Store)(nil)
)

// New returns a store on the server, or the cluster, of client: a [*goredis.Client], also one made by
// NewFailoverClient for Sentinel, or a [*goredis.ClusterClient]. It dials connections of its own with
// the same settings, but for retries: a command that go-redis repeats by itself might be done twice.
// The client stays the application's.
//
// New talks to no server yet: the first call does, and finds out whether it is fit for use. Close the
// store when it is not used any more. All faults of the options come in one error.
func New(client goredis.UniversalClient, opts ...Option) (*Store, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	s := &Store{config: c, sender: newSender(), beside: background.New()}
	switch client := client.(type) {
	case *goredis.Client:
		options := *client.Options()
		options.MaxRetries, options.DialerRetries = -1, 1
		options.ReadTimeout = s.readTimeout(options.ReadTimeout)
		options.PushNotificationProcessor = nil // a client's own
		options.MaintNotificationsConfig = options.MaintNotificationsConfig.Clone()
		s.server = single{goredis.NewClient(&options)}
	case *goredis.ClusterClient:
		options := *client.Options()
		options.MaxRetries, options.DialerRetries = -1, 1
		options.ReadTimeout = s.readTimeout(options.ReadTimeout)
		options.PushNotificationProcessor = nil // a client's own
		options.MaintNotificationsConfig = options.MaintNotificationsConfig.Clone()
		options.ReadOnly, options.RouteByLatency, options.RouteRandomly = false, false, false
		s.server = &cluster{goredis.NewClusterClient(&options), s.key("id")}
	default:
		return nil, store.Invalid("redis", fmt.Errorf("a client of type %T: use a *redis.Client or a *redis.ClusterClient", client))
	}
	s.scripts = newScripts(s.server.clustered())
	return s, nil
}

// readTimeout leaves time for replicas to answer. Zero and less are none, or go-redis' default.
func (c *config) readTimeout(d time.Duration) time.Duration {
	if c.replicas == 0 || d <= 0 {
		return d
	}
	return max(d, c.replicasIn+time.Second)
}

// key names a key of the namespace.
func (c *config) key(name string) string { return "{" + c.namespace + "}:" + name }

// Close implements [io.Closer]. It waits for what runs beside the calls; the client stays open.
func (s *Store) Close() error {
	if !s.beside.Close() {
		return nil
	}
	return s.server.close()
}

// Migrate implements [store.Migrator]. There are no tables to make, so it only finds out whether the
// server is fit for use.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	return s.look(ctx)
}

// Migration implements [store.MigrationReporter]. Nothing is ever pending; a server that is not fit for
// use is an error, as with Migrate.
func (s *Store) Migration(ctx context.Context) (m store.Migration, err error) {
	if err := s.enter(ctx); err != nil {
		return m, err
	}
	_, err = s.fit(ctx)
	return m, err
}

// enter refuses a call on a closed store or with a context that has ended.
func (s *Store) enter(ctx context.Context) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if s.beside.Closed() {
		return store.ErrClosed
	}
	return nil
}

// ended returns why ctx has ended, as proof that nothing was done; nil if it has not.
func ended(ctx context.Context) error { return store.Definite(context.Cause(ctx)) }
