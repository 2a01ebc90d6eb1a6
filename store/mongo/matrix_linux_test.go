package mongo_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/race"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestMatrix(t *testing.T) {
	t.Parallel()
	if testing.Short() || race.Enabled {
		t.Skip("starts processes")
	}
	crash.Matrix(t, crash.Site{Open: openForCrash, Lease: 3 * time.Second, Place: func(t *testing.T, _ string) crash.Place {
		t.Helper()
		server := servers.NewMongoDB(t)
		u, err := url.Parse(server.URL())
		if err != nil {
			t.Fatal(err)
		}
		return crash.Place{DSN: server.URL(), Addr: u.Host, Server: server}
	}})
}
