package redis_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
)

// A look at a new server writes nothing, and says what Migrate would say of one that is not fit for use.
func TestMigration(t *testing.T) {
	server := guarded(t)
	admin := connect(t, as(t, server, "default", password))
	s := openStore(t, admin)
	m, err := s.Migration(t.Context())
	if err != nil || m.Have != 0 || m.Want != 0 || m.TooNew || len(m.Pending) > 0 || m.Script != "" {
		t.Errorf("%+v, error %v", m, err)
	}
	if n, err := admin.DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("%d keys, error %v", n, err)
	}
	for name, test := range map[string]struct {
		url, want string
		is        error
	}{
		"no server": {"redis://nobody:" + password + "@127.0.0.1:1/0", "cannot be reached", store.ErrUnavailable},
		"no rights": {as(t, server, "no_keys", password), "lacks a right", nil},
		"evicts":    {servers.NewRedis(t, "maxmemory-policy allkeys-lru").URL(), "set it to noeviction", store.ErrInvalid},
	} {
		s := openStore(t, connect(t, test.url))
		_, err := s.Migration(t.Context())
		switch {
		case err == nil || !store.IsDefinite(err) || strings.Count(err.Error(), test.want) != 1 || test.is != nil && !errors.Is(err, test.is):
			t.Errorf("%s: error %v", name, err)
		case strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), password):
			t.Errorf("%s: error %q", name, err)
		}
	}
}
