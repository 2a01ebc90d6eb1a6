package storetest

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

func (b *broken) Migration(ctx context.Context) (store.Migration, error) {
	if b.migration != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.migration(ctx)
	}
	return b.Store.Migration(ctx)
}

// reporting is a Migration whose answer is changed on its way back.
func reporting(edit func(m *store.Migration)) func(*broken) {
	return func(b *broken) {
		b.migration = func(ctx context.Context) (store.Migration, error) {
			m, err := b.Store.Migration(ctx)
			edit(&m)
			return m, err
		}
	}
}

var brokenMigrations = []brokenStore{
	{"something is always pending", "MigrationNothingPending", reporting(func(m *store.Migration) { m.Pending = []string{"tables"} })},
	{"there is always a script", "MigrationNothingPending", reporting(func(m *store.Migration) { m.Script = "SELECT 1" })},
	{"a migration never gets there", "MigrationNothingPending", reporting(func(m *store.Migration) { m.Want++ })},
	{"every database is too new", "MigrationNothingPending", reporting(func(m *store.Migration) { m.TooNew = true })},
	{"looking migrates from nothing", "MigrationChangesNothing", func(b *broken) {
		b.migration = func(ctx context.Context) (store.Migration, error) {
			for _, task := range b.live(ctx) {
				b.settleHeld(ctx, task.ID)
			}
			return b.Store.Migration(ctx)
		}
	}},
	{"each look counts", "MigrationChangesNothing", func(b *broken) {
		b.migration = func(ctx context.Context) (store.Migration, error) {
			m, err := b.Store.Migration(ctx)
			b.seen["looks"]++
			m.Have = int(b.seen["looks"])
			return m, err
		}
	}},
	{"looking ignores its context", "MigrationChangesNothing", func(b *broken) {
		b.migration = func(ctx context.Context) (store.Migration, error) {
			return b.Store.Migration(context.WithoutCancel(ctx))
		}
	}},
}
