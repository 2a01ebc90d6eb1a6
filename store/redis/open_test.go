package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

func quiet() redis.Option { return redis.Logger(slog.New(slog.DiscardHandler)) }

func TestBadOptionsAreRefused(t *testing.T) {
	client := connect(t, "redis://127.0.0.1:1/0")
	for name, test := range map[string]struct {
		opts []redis.Option
		want []string // parts of the error
	}{
		"empty namespace":        {[]redis.Option{redis.Namespace("")}, []string{`namespace ""`}},
		"upper case":             {[]redis.Option{redis.Namespace("Upper")}, []string{`namespace "Upper"`}},
		"digit first":            {[]redis.Option{redis.Namespace("1st")}, []string{`namespace "1st"`}},
		"brace":                  {[]redis.Option{redis.Namespace("a}b")}, []string{`namespace "a}b"`}},
		"line break":             {[]redis.Option{redis.Namespace("a\n")}, []string{`namespace "a\n"`}},
		"too long":               {[]redis.Option{redis.Namespace(strings.Repeat("x", 49))}, []string{"namespace"}},
		"fewer than no replicas": {[]redis.Option{redis.Replicas(-1, time.Second)}, []string{"Replicas"}},
		"replicas in no time":    {[]redis.Option{redis.Replicas(1, 0)}, []string{"Replicas"}},
		"all at once": {
			[]redis.Option{redis.Namespace("a b"), redis.Replicas(1, -time.Second)}, []string{`namespace "a b"`, "Replicas"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := redis.New(client, test.opts...)
			if s != nil || !errors.Is(err, store.ErrInvalid) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("store %v, error %v, want an error of one line that is ErrInvalid", s, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error %q does not tell of %q", err, want)
				}
			}
		})
	}
}

// A client that handles its server's maintenance does not keep the store from dialling its own.
func TestClientThatHandlesMaintenance(t *testing.T) {
	client := goredis.NewClient(&goredis.Options{
		Addr: "127.0.0.1:1", Protocol: 3, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeEnabled},
	})
	defer client.Close()
	s, err := redis.New(client, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A ring spreads keys over servers that know nothing of each other.
func TestRingIsRefused(t *testing.T) {
	ring := goredis.NewRing(&goredis.RingOptions{Addrs: map[string]string{"one": "127.0.0.1:1"}})
	defer ring.Close()
	s, err := redis.New(ring)
	if s != nil || !errors.Is(err, store.ErrInvalid) || !strings.Contains(err.Error(), "use a *redis.Client") {
		t.Errorf("store %v, error %v", s, err)
	}
}

// password is of all users of a guarded server.
const password = "sesame"

// guarded starts a server that wants a password, and has users that lack rights.
func guarded(t *testing.T) *servers.Redis {
	t.Helper()
	server := servers.NewRedis(t)
	admin := connect(t, server.URL())
	for _, command := range [][]any{
		{"ACL", "SETUSER", "no_info", "on", ">" + password, "~*", "&*", "+@all", "-info"},
		{"ACL", "SETUSER", "no_config", "on", ">" + password, "~*", "&*", "+@all", "-@admin"},
		{"ACL", "SETUSER", "no_scripts", "on", ">" + password, "~*", "&*", "+@all", "-@scripting"},
		{"ACL", "SETUSER", "no_keys", "on", ">" + password, "~other:*", "&*", "+@all"},
		{"ACL", "SETUSER", "some_keys", "on", ">" + password, "~{firefly}:id", "&*", "+@all"},
		{"ACL", "SETUSER", "no_writing", "on", ">" + password, "~*", "&*", "+@all", "-zadd"},
		{"ACL", "SETUSER", "no_channel", "on", ">" + password, "~*", "+@all", "resetchannels"},
		{"CONFIG", "SET", "requirepass", password},
	} {
		if err := admin.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return server
}

// as returns a server's URL with a user and a password.
func as(t *testing.T, server *servers.Redis, user, password string) string {
	t.Helper()
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// What is wrong with a server is said in one line, with what to do about it and without a password,
// and proves that nothing was changed.
func TestBadServersAreExplained(t *testing.T) {
	server := guarded(t)
	admin := connect(t, as(t, server, "default", password))
	for name, test := range map[string]struct {
		url  string
		want string
		is   error
	}{
		"refused":        {url: "redis://nobody:" + password + "@127.0.0.1:1/0", want: "cannot be reached", is: store.ErrUnavailable},
		"no such host":   {url: "redis://nobody:" + password + "@firefly.invalid/0", want: "cannot be reached", is: store.ErrUnavailable},
		"no password":    {url: server.URL(), want: "wants a password"},
		"wrong password": {url: as(t, server, "default", password+"!"), want: "refuses the name or the password"},
		"no such user":   {url: as(t, server, "none", password), want: "refuses the name or the password"},
		"no INFO":        {url: as(t, server, "no_info", password), want: "lacks a right"},
		"no scripts":     {url: as(t, server, "no_scripts", password), want: "lacks a right"},
		"no keys":        {url: as(t, server, "no_keys", password), want: "lacks a right"},
		"some keys":      {url: as(t, server, "some_keys", password), want: "lacks a right"},
		"no writing":     {url: as(t, server, "no_writing", password), want: "lacks a right"},
		"no channel":     {url: as(t, server, "no_channel", password), want: "lacks a right"},
		"evicts":         {url: servers.NewRedis(t, "maxmemory-policy allkeys-lru").URL(), want: "set it to noeviction", is: store.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, connect(t, test.url))
			_, err := s.Insert(t.Context(), newTasks(1))
			switch {
			case err == nil:
				t.Fatal("no error")
			case !strings.Contains(err.Error(), test.want), strings.Contains(err.Error(), "\n"), strings.Contains(err.Error(), password):
				t.Errorf("error %q, want one line with %q and without the password", err, test.want)
			case !store.IsDefinite(err):
				t.Errorf("error %q is not definite", err)
			case test.is != nil && !errors.Is(err, test.is):
				t.Errorf("error %q is not %q", err, test.is)
			}
			left, err := admin.Keys(t.Context(), "{firefly}:*").Result()
			if err != nil || strings.Trim(strings.Join(left, ""), " ") != strings.Join(onlyID(left), "") {
				t.Errorf("there are the keys %q, error %v: something was changed", left, err)
			}
			empty(t, admin, "firefly")
		})
	}
}

// onlyID returns the id counter's key, if it is among the keys: ids that are lost are no loss.
func onlyID(keys []string) []string {
	for _, key := range keys {
		if strings.HasSuffix(key, ":id") {
			return []string{key}
		}
	}
	return nil
}

// A server that is killed and comes back is used again, as if nothing had been.
func TestServerComesBack(t *testing.T) {
	server := servers.NewRedis(t)
	s := openStore(t, connect(t, server.URL()))
	before := insert(t, s, 1)
	server.Kill(t)
	during := newTasks(1)
	if _, err := s.Insert(t.Context(), during); err == nil {
		t.Fatal("an insertion without a server succeeded")
	}
	server.Restart(t)
	eventually(t, "an insertion on a server that is back", func(ctx context.Context) error {
		_, err := s.Insert(ctx, during)
		return err
	})
	tasks := claim(t, s, 2)
	if tasks[0].ID != before[0] || tasks[1].ID != during[0].ID {
		t.Fatalf("claimed %+v, want tasks %d and %d", tasks, before[0], during[0].ID)
	}
}

// Closing a store leaves nothing behind, and the application's client open.
func TestCloseLeavesNothing(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			client := modes[mode](t)
			empty(t, client, "close")
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			before := goleak.IgnoreCurrent()
			s, err := redis.New(client, quiet(), redis.Namespace("close"))
			if err != nil {
				t.Fatal(err)
			}
			waiting := make(chan error)
			go func() {
				_, err := s.Wait(t.Context(), []string{"other"})
				waiting <- err
			}()
			insert(t, s, 1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := <-waiting; err != nil && !errors.Is(err, store.ErrClosed) {
				t.Error(err)
			}
			if _, err := s.Insert(t.Context(), newTasks(1)); !errors.Is(err, store.ErrClosed) {
				t.Errorf("an insertion after it: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("closing it again: %v", err)
			}
			if err := goleak.Find(before); err != nil {
				t.Error(err)
			}
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Errorf("the application's client: %v", err)
			}
		})
	}
}

// Durability tells what the server's settings are.
func TestDurability(t *testing.T) {
	server := guarded(t)
	admin := connect(t, as(t, server, "default", password))
	for name, test := range map[string]struct {
		aof, fsync string
		user       string
		want       redis.Persistence
	}{
		"no AOF":                   {aof: "no", fsync: "always", user: "default", want: redis.None},
		"every second":             {aof: "yes", fsync: "everysec", user: "default", want: redis.EverySecond},
		"always":                   {aof: "yes", fsync: "always", user: "default", want: redis.Always},
		"when the system likes":    {aof: "yes", fsync: "no", user: "default", want: redis.Unknown},
		"no right to ask for more": {aof: "yes", fsync: "always", user: "no_config", want: redis.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			for setting, value := range map[string]string{"appendonly": test.aof, "appendfsync": test.fsync} {
				if err := admin.ConfigSet(t.Context(), setting, value).Err(); err != nil {
					t.Fatal(err)
				}
			}
			d, err := openStore(t, connect(t, as(t, server, test.user, password))).Durability(t.Context())
			if want := (redis.Durability{Persistence: test.want, Eviction: "noeviction"}); err != nil || d != want {
				t.Errorf("%+v, error %v, want %+v", d, err, want)
			}
		})
	}
	t.Run("with a replica", func(t *testing.T) {
		server := servers.NewRedis(t)
		server.Replica(t)
		d, err := openStore(t, connect(t, server.URL())).Durability(t.Context())
		if err != nil || d.Replicas != 1 {
			t.Errorf("%+v, error %v, want one replica", d, err)
		}
	})
}
