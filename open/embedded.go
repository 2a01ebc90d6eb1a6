package open

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

func nothing() error { return nil }

func memoryStore(a *address, p *parameters, c *config) (*opener, error) {
	if a.user+a.hosts+a.path != "" || len(a.query) > 0 {
		return nil, errors.New("write memory:// with nothing behind it but parameters of Firefly's: each such store is new and empty")
	}
	opts := []memory.Option{memory.Clock(func() time.Time { return time.Now().Add(c.offset()) })}
	if p.retention > 0 {
		opts = append(opts, memory.Retention(p.retention))
	}
	return &opener{
		open: func(context.Context) (store.Full, func() error, error) { return memory.New(opts...), nothing, nil },
		drop: func(context.Context) error { return nil }, // it went with the store
	}, nil
}

// sqliteStore takes all that follows the scheme as the path: what another URL has for a host is its
// beginning here.
func sqliteStore(a *address, p *parameters, c *config) (*opener, error) {
	path, err := url.PathUnescape(a.path)
	switch {
	case err != nil:
		return nil, errEncoding
	case path == "":
		return nil, errors.New("the file is missing: write sqlite:tasks.db, or sqlite:///var/lib/app/tasks.db")
	case path == ":memory:":
		return nil, errors.New("use memory:// for a store in memory")
	case len(a.query) > 0:
		return nil, errors.New("there are parameters that are not Firefly's: SQLite takes none, and a ? in the path is %3F")
	}
	if c.scratch != "" {
		path = filepath.Join(filepath.Dir(path), c.scratch+".db")
	}
	opts := []sqlite.Option{sqlite.ClockOffset(c.offset)}
	if p.namespace != "" {
		opts = append(opts, sqlite.Prefix(p.namespace))
	}
	if p.retention > 0 {
		opts = append(opts, sqlite.Retention(p.retention))
	}
	return &opener{
		open: func(ctx context.Context) (store.Full, func() error, error) {
			s, err := sqlite.Open(ctx, path, opts...)
			return s, nothing, err
		},
		drop: func(context.Context) error { return removeFile(path) },
	}, nil
}

// removeFile removes a SQLite file and those that SQLite keeps beside it.
func removeFile(path string) error {
	var faults []error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}
