package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// effects is a table beside the store's in the same file.
type effects struct{ db *sql.DB }

// noTx begins the name of a file that is to be opened as a store without transactions.
const noTx = "without transactions:"

func openForCrash(ctx context.Context, name string) (store.Store, crash.Effects, error) {
	path, bare := strings.CutPrefix(name, noTx)
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	if bare {
		return parentStore{s}, nil, nil
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err == nil {
		_, err = db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS effect (task INTEGER NOT NULL)")
	}
	return s, effects{db}, err
}

func (e effects) Write(ctx context.Context, task int64) error {
	tx, err := sqlite.Tx(ctx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO effect VALUES (?)", task)
	return err
}

func (e effects) Count(ctx context.Context) (map[int64]int, error) {
	rows, err := e.db.QueryContext(ctx, "SELECT task, count(*) FROM effect GROUP BY task")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[int64]int{}
	for rows.Next() {
		var task int64
		var n int
		if err := rows.Scan(&task, &n); err != nil {
			return nil, err
		}
		counts[task] = n
	}
	return counts, rows.Err()
}

func (e effects) Close() error { return e.db.Close() }

// A parentStore has no transactions of its users', and completes parents with their children.
type parentStore struct{ *sqlite.Store }

func (s parentStore) WithTx(context.Context, func(context.Context, store.Writer) error) error {
	return store.Unsupported(s, "WithTx")
}

func (s parentStore) Begin(context.Context) (store.Tx, error) {
	return nil, store.Unsupported(s, "Begin")
}

func (s parentStore) CompleteParent(ctx context.Context, done store.Completion, children []store.NewTask) (out []store.Inserted, err error) {
	err = s.Store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
		if err := tx.Complete(ctx, []store.Completion{done}); err != nil {
			return err
		}
		out, err = tx.Insert(ctx, children)
		return err
	})
	return out, err
}

func TestCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills dozens of processes")
	}
	crash.Test(t, filepath.Join(t.TempDir(), "tasks.db"), openForCrash, crash.Minimum())
	t.Run("without transactions", func(t *testing.T) {
		crash.Test(t, noTx+filepath.Join(t.TempDir(), "tasks.db"), openForCrash, crash.MinimumWithoutTx())
	})
}

func TestFourProcessesShareAFile(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Together(t, filepath.Join(t.TempDir(), "tasks.db"), openForCrash, 4, 1000)
}
