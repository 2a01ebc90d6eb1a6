package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
)

func TestMatrix(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Matrix(t, crash.Site{Open: openForCrash, Lease: 2 * time.Second, Place: func(t *testing.T, fault string) crash.Place {
		t.Helper()
		if fault != crash.DiskFull {
			return crash.Place{DSN: filepath.Join(t.TempDir(), "tasks.db")}
		}
		var p crash.Place
		p.Fill = crash.SmallDisk(t, 300, func(dir string) { p.DSN = filepath.Join(dir, "tasks.db") })
		return p
	}})
}
