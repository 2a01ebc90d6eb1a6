package main

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// sqliteBackend is a new file for each measurement. All contenders have the same driver, a WAL, and
// what is committed on the disk.
type sqliteBackend struct {
	folder string
	db     *sql.DB // for those who look
}

func newSQLite(context.Context) (backend, error) {
	folder, err := os.MkdirTemp("", "firefly-bench-")
	return &sqliteBackend{folder: folder}, err
}

func (b *sqliteBackend) contenders() []contender {
	return []contender{
		{name: "Firefly", settings: fireflySettings, open: b.openFirefly},
		{name: "River", settings: riverOnSQLite, share: riverShare, open: b.openRiver},
		{name: "bare SQL", settings: bareSettings, open: b.openBare},
	}
}

// riverShare is what River is given of the tasks, as they would take it many minutes. Its rate is no lower
// for that: it is higher, if anything.
const riverShare = .1

func (b *sqliteBackend) about(ctx context.Context) (about, error) {
	if err := b.reset(ctx); err != nil {
		return about{}, err
	}
	var version string
	err := b.db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version)
	return about{"SQLite " + version, 1}, err
}

func (b *sqliteBackend) file() string { return filepath.Join(b.folder, "tasks.db") }

func (b *sqliteBackend) open() (*sql.DB, error) {
	const pragmas = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_txlock=immediate"
	return sql.Open("sqlite", "file:"+b.file()+pragmas)
}

func (b *sqliteBackend) reset(context.Context) (err error) {
	if b.db != nil {
		err = b.db.Close()
	}
	for _, end := range []string{"", "-wal", "-shm"} {
		if e := os.Remove(b.file() + end); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	if err != nil {
		return err
	}
	b.db, err = b.open()
	return err
}

// settle moves what was written from the WAL to the file.
func (b *sqliteBackend) settle(ctx context.Context) error {
	_, err := b.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// used knows no server: what it takes is the client's. The journal is all that this process has written
// to files.
func (b *sqliteBackend) used(context.Context) (u usage, err error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "write_bytes: "); ok {
			u.journal, err = strconv.ParseFloat(n, 64)
		}
	}
	for _, end := range []string{"", "-wal"} {
		if info, err := os.Stat(b.file() + end); err == nil {
			u.stored += float64(info.Size())
		}
	}
	return u, err
}

func (b *sqliteBackend) close() {
	if b.db != nil {
		_ = b.db.Close()
	}
	_ = os.RemoveAll(b.folder)
}

// countTo counts to the first argument.
const countTo = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "

func (b *sqliteBackend) openFirefly(ctx context.Context) (system, error) {
	s, err := sqlite.Open(ctx, b.file())
	if err != nil {
		return nil, err
	}
	return newFirefly(s, fireflyOn{
		finish: func(ctx context.Context, n int) error {
			_, err := b.db.ExecContext(ctx, countTo+`INSERT INTO firefly_finished
				(id, name, queue, priority, encoding, params, created, due, finished, status,
				max_retries, retry_delay, timeout, retries, crashes)
			SELECT i - ?1 - 1, 'bench', 'default', 0, 'json', ?2, now, now, now, 'completed', 0, 0, 0, 0, 0
			FROM n, (SELECT unixepoch('subsec') * 1000000 AS now)`, n, sample)
			return err
		},
		another: func() (store.Store, error) { return sqlite.Open(ctx, b.file()) },
	})
}
