package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

//go:embed sql
var files embed.FS

// migrations are the versions of the schema, in order. A version is never changed.
var migrations = []string{"0001_tables.sql"}

// statements returns the embedded files by name, with the tables' prefix.
func statements(prefix string) map[string]string {
	texts := map[string]string{}
	names, _ := fs.Glob(files, "sql/*.sql")
	for _, name := range names {
		text, _ := files.ReadFile(name)
		texts[strings.TrimPrefix(name, "sql/")] = withPrefix(string(text), prefix)
	}
	return texts
}

func withPrefix(text, prefix string) string { return strings.ReplaceAll(text, "firefly_", prefix+"_") }

// ErrSchemaNewer is returned for a file that a newer release has migrated.
var ErrSchemaNewer = errors.New("the tables are of a newer release: update this program")

// leastVersion is the oldest SQLite whose WAL this store relies on: before it, a reset of the
// WAL could race with a checkpoint and lose commits.
const leastVersion = "3.51.3"

// prepare checks the connection and migrates.
func (s *Store) prepare(ctx context.Context) error {
	var version, journal string
	var synchronous int
	if err := s.write.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	if older(version, leastVersion) {
		return fmt.Errorf("SQLite %s is older than %s: update modernc.org/sqlite", version, leastVersion)
	}
	if _, err := s.write.ExecContext(ctx, "PRAGMA busy_timeout = 0; PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	err := s.whileBusy(ctx, func() error {
		return s.write.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&journal)
	})
	if err != nil {
		return err
	}
	if journal != "wal" {
		return fmt.Errorf("the journal is in mode %q and cannot be made a WAL: the file must be on a local disk, not in memory", journal)
	}
	if err := s.write.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous); err != nil {
		return err
	}
	if synchronous < 2 {
		return fmt.Errorf("synchronous is %d, not FULL", synchronous)
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	return s.reserve(ctx, store.MaxTx) // and so find out whether the file can be written
}

// older compares two versions of the form 1.2.3.
func older(a, b string) bool {
	var x, y [3]int
	_, _ = fmt.Sscanf(a, "%d.%d.%d", &x[0], &x[1], &x[2])
	_, _ = fmt.Sscanf(b, "%d.%d.%d", &y[0], &y[1], &y[2])
	for i := range x {
		if x[i] != y[i] {
			return x[i] < y[i]
		}
	}
	return false
}

const versionTable = "CREATE TABLE IF NOT EXISTS firefly_schema (version INTEGER NOT NULL)"

// Migrate implements [store.Migrator]. The tables are made, or brought up to date, in one
// transaction; Open and New have done it already.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.locked(ctx); err != nil {
		return err
	}
	defer s.unlock()
	return s.transact(ctx, func(q *session) error {
		if err := q.exec(versionTable); err != nil {
			return err
		}
		var version int
		err := q.row("SELECT coalesce(max(version), 0) FROM firefly_schema", nil, &version)
		switch {
		case err != nil:
			return err
		case version > len(migrations):
			return fmt.Errorf("schema version %d, this program knows %d: %w", version, len(migrations), ErrSchemaNewer)
		}
		for version < len(migrations) {
			if err := q.exec(migrations[version]); err != nil {
				return err
			}
			version++
			if err := q.exec("INSERT INTO firefly_schema VALUES (?)", version); err != nil {
				return err
			}
		}
		return nil
	})
}
