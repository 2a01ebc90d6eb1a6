package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// Migration implements [store.MigrationReporter]. As Open and New migrate, something is pending only if
// the tables were removed since; but another process may have brought them beyond this release.
func (s *Store) Migration(ctx context.Context) (m store.Migration, err error) {
	if err := ended(ctx); err != nil {
		return m, err
	}
	var there bool
	err = s.reading(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'firefly_schema'", nil,
		func(rows *sql.Rows) error { return rows.Scan(&there) })
	if err == nil && there {
		err = s.reading(ctx, "SELECT coalesce(max(version), 0) FROM firefly_schema", nil,
			func(rows *sql.Rows) error { return rows.Scan(&m.Have) })
	}
	if err != nil {
		return store.Migration{}, fmt.Errorf("sqlite: %w", err)
	}
	m.Want = len(migrations)
	m.TooNew = m.Have > m.Want
	if m.Have >= m.Want {
		return m, nil
	}
	var script strings.Builder
	fmt.Fprintf(&script, "-- Firefly, prefix %s, from version %d to %d. Run it in one transaction.\n", s.prefix, m.Have, m.Want)
	if !there {
		script.WriteString(s.text(versionTable) + ";\n")
	}
	for i, name := range migrations[m.Have:] {
		version := m.Have + i + 1
		m.Pending = append(m.Pending, fmt.Sprintf("prefix %s: tables of version %d", s.prefix, version))
		fmt.Fprintf(&script, "%s\nINSERT INTO %s VALUES (%d);\n", s.texts[name], s.text("firefly_schema"), version)
	}
	m.Script = script.String()
	return m, nil
}
