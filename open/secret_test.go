package open_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

// What no error may hold, in any part.
const password = "Hunter_Two"

// hidden fails the test if a text holds the password, or what is left of it when it was cut at one of
// its special characters.
func hidden(t *testing.T, url string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for part := range strings.SplitSeq(password, "_") {
		if strings.Contains(err.Error(), part) {
			t.Errorf("%s: the error shows the password: %v", url, err)
		}
	}
}

// Passwords with special characters, as they are and encoded, in all places, in URLs that are otherwise
// good and in such that are not.
func TestNoErrorOfAURLShowsAPassword(t *testing.T) {
	broken := []string{"", "?sslmode=some", "/x?pool_size=x", ":port/", "/a/b/c?w=-1", "/%zz", "/?firefly_retention=x", "\x7f", "/?sslrootcert=/missing"}
	for scheme := range open.Parameters() {
		if scheme == "mongodb+srv" {
			scheme = "mongodb+srv://%zz" // asks no DNS
		}
		for _, special := range "_:/?#[]@!$&'()*+,;=%^|{}\\\"<>` \t\n\x00é" {
			secret := strings.ReplaceAll(password, "_", string(special))
			for _, secret := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), secret + "%", "%zz" + secret, secret + "="} {
				for _, rest := range broken {
					for _, u := range []string{
						scheme + "://user:" + secret + "@h" + rest,
						scheme + "://user:" + secret,
						scheme + "://:" + secret + "@h" + rest,
						scheme + "://user:" + secret + "@" + rest,
						scheme + "://user:" + secret + "@h1:1,h2:x" + rest,
						scheme + "://h/0?password=" + secret + "&" + strings.TrimPrefix(rest, "?"),
						scheme + "://h/0?sslpassword=" + secret + "&sslkey=/missing&sslcert=/missing",
						scheme + "://h/0?authMechanismProperties=AWS_SESSION_TOKEN:" + secret,
						scheme + "://h/0?authMechanism=MONGODB-AWS&authMechanismProperties=" + secret,
						scheme + "://h/0?master_name=m&password=" + secret + "&db=x",
						scheme + "://h/0?tlsCertificateKeyFilePassword=" + secret + "&tlsCertificateKeyFile=/missing",
					} {
						hidden(t, u, open.Check(u))
					}
				}
			}
		}
	}
}

// unanswered returns a URL of each server's scheme, with the password, where nobody answers.
func unanswered(t *testing.T) map[string]string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil { // so nobody answers there
		t.Fatal(err)
	}
	return map[string]string{
		"postgres":                    "postgres://user:" + password + "@" + addr + "/db",
		"postgres, in the query":      "postgres://" + addr + "/db?user=user&password=" + password,
		"postgres, several hosts":     "postgres://user:" + password + "@" + addr + "," + addr + "/db",
		"postgresql, percent-encoded": "postgresql://user:%25" + password + "%2F@" + addr + "/db",
		"redis":                       "redis://user:" + password + "@" + addr,
		"rediss":                      "rediss://user:" + password + "@" + addr,
		"redis+cluster":               "redis+cluster://user:" + password + "@" + addr + "," + addr,
		"rediss+cluster":              "rediss+cluster://user:" + password + "@" + addr,
		"redis+sentinel":              "redis+sentinel://user:" + password + "@" + addr + "/0?master_name=m&password=" + password,
		"rediss+sentinel":             "rediss+sentinel://user:" + password + "@" + addr + "/0?master_name=m",
		"mongodb":                     "mongodb://user:" + password + "@" + addr + "/?serverSelectionTimeoutMS=50",
	}
}

// Later errors, of calls on a server that is not there.
func TestNoErrorOfACallShowsAPassword(t *testing.T) {
	for name, u := range unanswered(t) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			s, err := open.Store(ctx, u)
			if err != nil {
				t.Fatal(err)
			}
			migrator, _ := store.As[store.Migrator](s)
			err = migrator.Migrate(ctx)
			hidden(t, u, err)
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("Migrate: error %v", err)
			}
			_, err = s.Insert(ctx, []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}})
			hidden(t, u, err)
			if err == nil {
				t.Error("Insert: no error")
			}
			err = store.Close(s)
			hidden(t, u, err)
			if err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// The DNS is asked when the store is opened. The name is one that has no server by RFC 6761.
func TestNoErrorOfTheDNSShowsAPassword(t *testing.T) {
	u := "mongodb+srv://user:" + password + "@missing.invalid/?tlsCertificateKeyFilePassword=" + password
	_, err := open.Store(t.Context(), u)
	hidden(t, u, err)
	if err == nil || !strings.HasPrefix(err.Error(), "open: mongodb+srv: ") {
		t.Errorf("error %v", err)
	}
}

func FuzzURL(f *testing.F) {
	for scheme := range open.Parameters() {
		f.Add(scheme+"://user:", "@h:1,h2/0", "?firefly_retention=1h&x=y")
		f.Add(scheme+"://", "%zz@[::1]:x", "sslmode=some&master_name=m&")
		f.Add(scheme+"://h/db?user=x&password=", "&pool_size=x", "#")
	}
	f.Add("sqlite:", "@/", "tasks.db")
	f.Add("host=h password=", " user=x", "")
	f.Fuzz(func(t *testing.T, before, after, rest string) {
		_ = open.Check(before + after + rest) // does not panic
		// A password stands between : and @, or after password=.
		u := before + ":" + password + "@" + after + rest
		hidden(t, u, open.Check(u))
		u = before + after + "&password=" + password + rest
		if strings.Contains(before+after, "://") && strings.Contains(before+after, "?") {
			hidden(t, u, open.Check(u))
		}
	})
}
