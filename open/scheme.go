package open

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// A scheme is a kind of URL.
type scheme struct {
	name       string
	parameters []string // of Firefly's own, that its store has

	// prepare checks the URL without talking to anybody, as far as its driver lets it.
	prepare func(a *address, p *parameters, c *config) (*opener, error)
}

// An opener is a URL that was found good.
type opener struct {
	// open opens the store, and returns what closes its connections.
	open func(ctx context.Context) (store.Full, func() error, error)
	// drop removes all of the namespace, by connections of its own. It is for scratch stores alone.
	drop func(ctx context.Context) error
}

// fileScheme is the one that a path follows, not hosts.
const fileScheme = "sqlite"

// schemes are in the order in which an error lists them.
var schemes = []scheme{
	{"memory", forMemory, memoryStore},
	{fileScheme, forSQLite, sqliteStore},
	{"postgres", forPostgres, postgresStore},
	{"postgresql", forPostgres, postgresStore},
	{"redis", forRedis, redisStore},
	{"rediss", forRedis, redisStore},
	{"redis+cluster", forRedis, clusterStore},
	{"rediss+cluster", forRedis, clusterStore},
	{"redis+sentinel", forRedis, sentinelStore},
	{"rediss+sentinel", forRedis, sentinelStore},
	{"mongodb", forMongo, mongoStore},
	{"mongodb+srv", forMongo, mongoSRVStore},
}

var goodScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

// find takes a URL apart and finds its scheme. What stands before a colon is shown only where it is a
// scheme for certain: it could be a user, or a part of a password.
func find(url string) (*address, *scheme, error) {
	name, rest, _ := strings.Cut(url, ":")
	rest, slashes := strings.CutPrefix(rest, "//")
	name = strings.ToLower(name)
	for i := range schemes {
		s := &schemes[i]
		if s.name != name || !slashes && name != fileScheme {
			continue
		}
		a, err := parse(name, rest)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		return a, s, nil
	}
	if !slashes || !goodScheme.MatchString(name) {
		return nil, nil, fmt.Errorf("the URL does not begin with a scheme and ://: use one of %s", known())
	}
	return nil, nil, fmt.Errorf("unknown scheme %q: use one of %s", name, known())
}

func known() string {
	names := make([]string, len(schemes))
	for i := range schemes {
		names[i] = schemes[i].name
	}
	return strings.Join(names, ", ")
}

// plan checks the whole URL, and reports all that is wrong with it.
func (s *scheme) plan(a *address, c *config) (*opener, error) {
	p, faults := readParameters(a.own, s)
	if c.scratch != "" {
		p.namespace = c.scratch
	}
	dial, err := s.prepare(a, p, c)
	if err := store.Invalid("open: "+a.scheme, append(faults, err)...); err != nil {
		return nil, err
	}
	return dial, nil
}
