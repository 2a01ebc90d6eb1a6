package mongo_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/internal/storefaults"
	"github.com/fireflytasks/go-firefly/store"
)

// database returns one of the test's own. The driver is told not to repeat what is cut, so that each
// cut is seen.
func database(server *servers.Mongo) storefaults.Opener {
	return func(t *testing.T) storefaults.Database {
		t.Helper()
		name := server.Database(t)
		return storefaults.Database{
			URL:               server.URL() + "&retryWrites=false&retryReads=false",
			CommitsUntilKnown: true,

			Open: func(t *testing.T, url string) store.Full { t.Helper(); return openStore(t, connect(t, url, name)) },
		}
	}
}

// TestCut waits for most of its time: after a cut the driver looks for the server, and does so twice a
// second at most.
func TestCut(t *testing.T) {
	t.Parallel()
	if testing.Short() || race.Enabled {
		t.Skip("cuts hundreds of connections")
	}
	storefaults.Cut(t, database(servers.MongoDB(t)))
}
