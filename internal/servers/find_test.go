package servers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestFind(t *testing.T) {
	type way = func() (*servers.Postgres, error)
	local, contained := &servers.Postgres{}, &servers.Postgres{}
	is := func(p *servers.Postgres) way { return func() (*servers.Postgres, error) { return p, nil } }
	fails := func(err error) way { return func() (*servers.Postgres, error) { return nil, err } }
	notInstalled, noDocker, broken := servers.Absent("not installed"), servers.Absent("no Docker"), errors.New("broken")
	const env = "FIREFLY_TEST_POSTGRES_URL"
	var named servers.Postgres
	var url string
	byName := func(u string) (*servers.Postgres, error) {
		url = u
		return is(&named)()
	}
	for _, tc := range []struct {
		name             string
		local, contained way
		want             *servers.Postgres
		err              string
	}{
		{"binaries before a container", is(local), is(contained), local, ""},
		{"no binaries", fails(notInstalled), is(contained), contained, ""},
		{"binaries that fail are not passed over", fails(broken), is(contained), nil, "broken"},
		{"a container that fails", fails(notInstalled), fails(broken), nil, "broken"},
		{"none", fails(notInstalled), fails(noDocker), nil, "FIREFLY_TEST_POSTGRES_URL is not set, not installed, no Docker"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv(env, "")
			got, err := servers.Find(env, byName, tc.local, tc.contained)
			if got != tc.want {
				t.Errorf("got %+v", got)
			}
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || err.Error() != tc.err) {
				t.Errorf("error %v, want %q", err, tc.err)
			}
			if absent := strings.Contains(tc.err, " not "); absent != servers.Skippable("", "postgres", err) {
				t.Errorf("a test is skipped: %t", !absent)
			}
		})
	}
	t.Run("an environment variable before all", func(t *testing.T) {
		t.Setenv(env, "here")
		if got, err := servers.Find(env, byName, is(local), is(contained)); got != &named || url != "here" || err != nil {
			t.Errorf("got %+v, error %v", got, err)
		}
	})
}
