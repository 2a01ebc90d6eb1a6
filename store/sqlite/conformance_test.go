package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/walk"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
	"github.com/fireflytasks/go-firefly/storetest"
)

// doors are the two ways to a store.
var doors = map[string]func(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store{
	"Open": func(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
		tb.Helper()
		s, err := sqlite.Open(tb.Context(), path, opts...)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	},
	"New": func(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
		tb.Helper()
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = db.Close() })
		s, err := sqlite.New(tb.Context(), db, opts...)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	},
}

// harness opens a new file through a door for each case.
func harness(open func(tb testing.TB, path string, opts ...sqlite.Option) *sqlite.Store) storetest.Harness {
	var offset atomic.Int64
	var path string
	openFile := func(tb testing.TB) store.Store {
		tb.Helper()
		s := open(tb, path, sqlite.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
		tb.Cleanup(func() { _ = s.Close() })
		return s
	}
	return storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			path = filepath.Join(tb.TempDir(), "tasks.db")
			return openFile(tb)
		},
		Reopen: func(tb testing.TB, s store.Store) store.Store {
			tb.Helper()
			if err := store.Close(s); err != nil {
				tb.Error(err)
			}
			return openFile(tb)
		},
		Advance:   func(d time.Duration) { offset.Add(int64(d)) },
		OneWriter: true,
	}
}

func TestConformance(t *testing.T) {
	for name, open := range doors {
		t.Run(name, func(t *testing.T) { storetest.RunFull(t, harness(open)) })
	}
}

func TestWalks(t *testing.T) {
	if race.Enabled {
		t.Skip("10,000 steps")
	}
	for name, open := range doors {
		t.Run(name, func(t *testing.T) { walk.Check(t, harness(open), 100) })
	}
}
