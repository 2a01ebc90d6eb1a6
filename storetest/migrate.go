package storetest

import (
	"errors"
	"reflect"
	"slices"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

var migrateCases = []testCase{
	{
		name: "MigrationNothingPending", rule: 19, needs: needs(migrator, reporter), run: migrationNothingPending,
		says: "after Migrate nothing is pending, and the database has what this release wants",
	},
	{
		name: "MigrationChangesNothing", rule: 19, needs: needs(reporter), run: migrationChangesNothing,
		says: "Migration only looks, any number of times at once, and not with a context that has ended",
	},
}

func (t *T) migration() store.Migration {
	t.Helper()
	m, err := as[store.MigrationReporter](t).Migration(t.Context())
	t.ok(err, "migration")
	return m
}

func migrationNothingPending(t *T) {
	for range 2 {
		t.ok(as[store.Migrator](t).Migrate(t.Context()), "migrate")
		m := t.migration()
		if len(m.Pending) > 0 || m.Script != "" {
			t.Fatalf("after Migrate there is still to do %q, by the script %q", m.Pending, m.Script)
		}
		if m.Have != m.Want || m.Have < 0 || m.TooNew {
			t.Fatalf("after Migrate the database has version %d, the release wants %d; too new: %t", m.Have, m.Want, m.TooNew)
		}
	}
}

func migrationChangesNothing(t *T) {
	task := t.running()
	waiting := t.insertOne()
	before := t.migration()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			m, err := as[store.MigrationReporter](t).Migration(t.Context())
			if err != nil || !reflect.DeepEqual(m, before) {
				t.Errorf("migration: %+v, error %v, after %+v", m, err, before)
			}
		})
	}
	all.Wait()
	if _, err := as[store.MigrationReporter](t).Migration(t.endedContext()); !errors.Is(err, t.endedContext().Err()) || !store.IsDefinite(err) {
		t.Fatalf("migration with a context that has ended: error %v", err)
	}
	if tasks := t.claim(10); !slices.Equal(idsOf(tasks), []int64{waiting}) {
		t.Fatalf("claimed %v, want %d, which waited before", idsOf(tasks), waiting)
	}
	t.ok(t.complete(task, nil), "complete of a task that ran before")
}
