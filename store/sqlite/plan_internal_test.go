package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

// A query for some tasks that match a filter must not read all of them first, to sort them.
func TestFiltersAreReadInOrder(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "tasks.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for name, f := range map[string]store.Filter{
		"any":      {Queues: []string{"q"}, OlderThan: 1},
		"finished": {Statuses: []store.Status{store.Completed, store.Failed}, Names: []string{"n"}},
		"live":     {Statuses: []store.Status{store.Created}, ErrorText: "boom"},
	} {
		t.Run(name, func(t *testing.T) {
			where, args := s.conditions(&f)
			text := "EXPLAIN QUERY PLAN " + selectFrom(&f, "*", where, "id") + " LIMIT 10" //nolint:gosec // of no input
			rows, err := s.read.QueryContext(t.Context(), text, repeated(&f, args)...)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var plan []string
			for rows.Next() {
				var id, parent, unused int
				var detail string
				if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
					t.Fatal(err)
				}
				plan = append(plan, detail)
			}
			if err := rows.Err(); err != nil || len(plan) == 0 || strings.Contains(strings.Join(plan, "\n"), "TEMP B-TREE") {
				t.Errorf("error %v, plan:\n%s", err, strings.Join(plan, "\n"))
			}
		})
	}
}
