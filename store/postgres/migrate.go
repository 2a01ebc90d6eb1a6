package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/store"
)

var (
	// ErrSchemaMissing: the tables were never made, or those of this release were not. Call
	// [Store.Migrate], or apply what [Script] returns.
	ErrSchemaMissing = store.Definite(errors.New("the tables of this release are missing: call Migrate, or apply the SQL of Script"))
	// ErrSchemaNewer: the tables are of a release that this program cannot work with any more.
	ErrSchemaNewer = store.Definite(errors.New("the tables are of a newer release: update this program"))
)

//go:embed sql/[0-9]*
var files embed.FS

// A migration takes the schema from the version before to its own.
type migration struct {
	version int
	oldest  int // version that a program may know and still work with the schema
	text    string
}

// oldestFor says, for versions of the schema that took something away, the oldest version that a
// program must know. A migration adds; what it makes useless the release after takes away.
var oldestFor = map[int]int{}

// migrations returns all, in order. Version 1 is the files of folder 0001, and so on. One that
// was released is never changed.
func migrations(schema string) []migration {
	folders, _ := fs.Glob(files, "sql/[0-9]*")
	slices.Sort(folders)
	all := make([]migration, len(folders))
	for i, folder := range folders {
		parts, _ := fs.Glob(files, path.Join(folder, "*.sql"))
		slices.Sort(parts)
		var text strings.Builder
		for _, name := range parts {
			part, _ := files.ReadFile(name)
			text.Write(part)
			text.WriteByte('\n')
		}
		all[i] = migration{version: i + 1, oldest: max(1, oldestFor[i+1]), text: inSchema(text.String(), schema)}
	}
	return all
}

// inSchema names the tables and functions of a text, which are written as firefly.name, in a
// schema.
func inSchema(text, schema string) string {
	return strings.ReplaceAll(text, "firefly.", pgx.Identifier{schema}.Sanitize()+".")
}

const versionTable = `CREATE SCHEMA IF NOT EXISTS %s;
CREATE TABLE IF NOT EXISTS firefly.migration (
	version integer     PRIMARY KEY,
	oldest  integer     NOT NULL, -- version that a program may know and still work
	applied timestamptz NOT NULL DEFAULT now()
);
`

// script is what takes a schema from a version to the newest.
func script(schema string, from int) string {
	var text strings.Builder
	if from == 0 {
		fmt.Fprintf(&text, inSchema(versionTable, schema), pgx.Identifier{schema}.Sanitize())
	}
	for _, m := range migrations(schema) {
		if m.version > from {
			fmt.Fprintf(&text, "%s%s\n", m.text, inSchema(fmt.Sprintf(
				"INSERT INTO firefly.migration (version, oldest) VALUES (%d, %d);\n", m.version, m.oldest), schema))
		}
	}
	text.WriteString(inSchema("SELECT firefly.make_partitions_1(now());\n", schema))
	return text.String()
}

// Script returns the SQL that takes a schema from a version to this release's, for those who run
// migrations themselves. From version zero it makes all; otherwise only the versions after are in
// it. It is to be run in one transaction.
func Script(schema string, from int) (string, error) {
	err := checkSchema(schema)
	if newest := len(migrations("firefly")); err == nil && (from < 0 || from > newest) {
		err = fmt.Errorf("version %d is not between 0 and %d", from, newest)
	}
	if err != nil {
		return "", store.Invalid("postgres: script", err)
	}
	return script(schema, from), nil
}

// Migrate implements [store.Migrator]. It makes the schema and its tables, or brings them up to
// date, in one transaction. It may be called by many at once: one does it, the others wait. Called
// by the owner of the tables it also makes the partitions of the days to come. The
// role needs the right to create schemas in the database, or to own an empty schema of that name.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	conn, err := s.own.Acquire(ctx)
	if err != nil {
		return s.undone(err)
	}
	defer conn.Release()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		const lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
		if _, err := tx.Exec(ctx, lock, "firefly migration of "+s.schema); err != nil {
			return err
		}
		v, err := s.version(ctx, tx)
		if err == nil {
			err = v.check()
		}
		if err == nil { // days go by all the same
			_, err = tx.Exec(ctx, inSchema(partitionsAhead, s.schema), s.skew())
		}
		if !errors.Is(err, ErrSchemaMissing) {
			return err
		}
		_, err = tx.Exec(ctx, script(s.schema, v.newest), pgx.QueryExecModeSimpleProtocol)
		return err
	})
	if err != nil {
		return fmt.Errorf("postgres: migrate schema %s: %w", s.schema, s.explain(err))
	}
	return nil
}

// Migration implements [store.MigrationReporter]. The partitions of the days to come are never pending:
// workers make them, too. It needs no right but to read, and none where there is no schema yet.
func (s *Store) Migration(ctx context.Context) (m store.Migration, err error) {
	if err := s.enter(ctx); err != nil {
		return m, err
	}
	conn, err := s.own.Acquire(ctx)
	if err != nil {
		return m, fmt.Errorf("postgres: %w", s.undone(err))
	}
	defer conn.Release()
	v, err := s.version(ctx, conn)
	if err != nil {
		return m, fmt.Errorf("postgres: schema %s: %w", s.schema, s.undone(err))
	}
	known := migrations(s.schema)
	m = store.Migration{Have: v.newest, Want: len(known), TooNew: errors.Is(v.check(), ErrSchemaNewer)}
	if m.TooNew || m.Have >= m.Want {
		return m, nil
	}
	if m.Have == 0 {
		m.Pending = append(m.Pending, fmt.Sprintf("schema %s: make it, if it is not there", s.schema))
	}
	for _, step := range known[m.Have:] {
		m.Pending = append(m.Pending, fmt.Sprintf("schema %s: tables and functions of version %d", s.schema, step.version))
	}
	m.Script = fmt.Sprintf("-- Firefly, schema %s, from version %d to %d. Run it in one transaction.\n%s",
		s.schema, m.Have, m.Want, script(s.schema, m.Have))
	return m, nil
}

// partitionsAhead makes partitions if the role may: the owner of the tables.
const partitionsAhead = `SELECT firefly.make_partitions_1(clock_timestamp() + $1::bigint * interval '1 microsecond')
	WHERE (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'firefly.task'::regclass)`

// A schemaVersion is what the database holds.
type schemaVersion struct{ newest, oldest int }

// check reports whether this program can work with it.
func (v schemaVersion) check() error {
	known := len(migrations("firefly"))
	switch {
	case v.oldest > known:
		return fmt.Errorf("schema version %d is for programs that know %d, this one knows %d: %w",
			v.newest, v.oldest, known, ErrSchemaNewer)
	case v.newest < known:
		return fmt.Errorf("schema version %d, this program needs %d: %w", v.newest, known, ErrSchemaMissing)
	default:
		return nil
	}
}

func (s *Store) version(ctx context.Context, q querier) (v schemaVersion, err error) {
	var there bool
	err = query(ctx, q, "SELECT to_regclass($1) IS NOT NULL", []any{inSchema("firefly.migration", s.schema)}, func(r scanner) error {
		return r.Scan(&there)
	})
	if err != nil || !there {
		return v, err
	}
	const newest = "SELECT coalesce(max(version), 0), coalesce(max(oldest), 0) FROM firefly.migration"
	err = query(ctx, q, inSchema(newest, s.schema), nil, func(r scanner) error { return r.Scan(&v.newest, &v.oldest) })
	return v, err
}
