package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
)

// leastServer is the oldest server that will do: scripts there may read the clock before they write,
// and publish to one slot.
const leastServer = 7

// Durability is what the server's settings let survive.
type Durability struct {
	Persistence Persistence
	Eviction    string // the maxmemory-policy; anything but noeviction is refused
	Replicas    int    // that are connected now
}

// Persistence is what a server keeps when it crashes.
type Persistence string

// The levels. What each may lose is in docs/stores.md.
const (
	None        Persistence = "none"         // all that was written since the last snapshot, if there is one
	Unknown     Persistence = "aof, unknown" // the server does not tell: as EverySecond, or better
	EverySecond Persistence = "aof everysec" // about a second, or the time that the disk is behind
	Always      Persistence = "aof always"   // nothing that was acknowledged
)

// Durability asks the server for its settings.
func (s *Store) Durability(ctx context.Context) (Durability, error) {
	if err := s.enter(ctx); err != nil {
		return Durability{}, err
	}
	d, _, err := s.inspect(ctx)
	return d, store.Definite(explain(err))
}

// inspect reads settings, from CONFIG if that is allowed, else from INFO.
func (s *Store) inspect(ctx context.Context) (d Durability, version int, err error) {
	node, err := s.server.node(ctx)
	if err != nil {
		return d, 0, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	text, err := node.Info(ctx, "everything").Result()
	if err != nil {
		return d, 0, err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	_, _ = fmt.Sscanf(info["redis_version"], "%d", &version)
	_, _ = fmt.Sscanf(info["connected_slaves"], "%d", &d.Replicas)
	d.Eviction = info["maxmemory_policy"]
	switch {
	case info["aof_enabled"] != "1":
		d.Persistence = None
	default:
		d.Persistence = Unknown
		if set, err := node.ConfigGet(ctx, "appendfsync").Result(); err == nil {
			d.Persistence = map[string]Persistence{"always": Always, "everysec": EverySecond}[set["appendfsync"]]
			if d.Persistence == "" {
				d.Persistence = Unknown
			}
		}
	}
	return d, version, nil
}

// look finds out, once, whether the server is fit for use, and starts what runs beside the calls.
func (s *Store) look(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	if s.ready.Load() {
		return nil
	}
	d, err := s.fit(ctx)
	if err != nil {
		return err
	}
	if d.Persistence != Always {
		s.logger.WarnContext(ctx, "firefly: the server may lose acknowledged tasks when it crashes", "persistence", d.Persistence,
			"namespace", s.namespace)
	}
	s.beside.Go(s.tend)
	s.ready.Store(true)
	return nil
}

// fit finds out whether the server is fit for use, and changes nothing.
func (s *Store) fit(ctx context.Context) (Durability, error) {
	d, version, err := s.inspect(ctx)
	if err != nil {
		return d, cannotLook(err)
	}
	var faults []error
	if version < leastServer {
		faults = append(faults, fmt.Errorf("the server's version is %d, and %d is the oldest that will do", version, leastServer))
	}
	if d.Eviction != "noeviction" {
		faults = append(faults, fmt.Errorf("maxmemory-policy is %q, by which the server may drop tasks: set it to noeviction", d.Eviction))
	}
	denied, err := s.denied(ctx)
	if err != nil {
		return d, cannotLook(err)
	}
	if len(denied) > 0 {
		faults = append(faults, fmt.Errorf("%s: also %s", lacksRight, strings.Join(denied, ", ")))
	}
	if err := errors.Join(faults...); err != nil {
		return d, store.Definite(fmt.Errorf("redis: %w", store.Invalid("the server", faults...)))
	}
	return d, nil
}

// cannotLook explains an error of a look at the server: nothing was changed, and unless the server has
// refused, the next look may succeed.
func cannotLook(err error) error {
	err = explain(err)
	var refusal goredis.Error
	if !store.IsDefinite(err) && !errors.As(err, &refusal) {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return store.Definite(fmt.Errorf("redis: %w", err))
}

// denied asks which commands the user lacks: a script that came upon one would end halfway.
func (s *Store) denied(ctx context.Context) ([]string, error) {
	node, err := s.server.node(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	publish := "PUBLISH"
	if s.server.clustered() {
		publish = "SPUBLISH"
	}
	return node.Eval(ctx, file("rights"), nil, s.key(""), publish).StringSlice()
}
