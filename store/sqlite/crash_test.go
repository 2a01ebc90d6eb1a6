package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// effects is a table beside the store's in the same file.
type effects struct{ db *sql.DB }

func openForCrash(ctx context.Context, path string) (store.Store, crash.Effects, error) {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, nil, err
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
	defer e.db.Close()
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

func TestCrashes(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("kills dozens of processes")
	}
	crash.Test(t, filepath.Join(t.TempDir(), "tasks.db"), openForCrash, crash.Minimum())
}

func TestFourProcessesShareAFile(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Together(t, filepath.Join(t.TempDir(), "tasks.db"), openForCrash, 4, 1000)
}
