package open

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

const (
	redisPort    = "6379"
	sentinelPort = "26379"
	mostConns    = 100_000 // beyond it go-redis panics, sooner or later
)

func redisStore(a *address, p *parameters, c *config) (*opener, error) {
	if strings.Contains(a.hosts, ",") {
		return nil, errors.New("name one host, or write redis+cluster:// or redis+sentinel:// for several")
	}
	o, err := checked(a, func(a *address) (*goredis.Options, error) {
		o, err := goredis.ParseURL(a.as(a.scheme))
		if err != nil {
			return nil, err
		}
		return o, goodSizes(o.DB, o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns, o.MaxConcurrentDials)
	})
	if err != nil {
		return nil, err
	}
	return redisOpener(func() goredis.UniversalClient { return goredis.NewClient(o) }, p, c), nil
}

func clusterStore(a *address, p *parameters, c *config) (*opener, error) {
	if db := strings.Trim(a.path, "/"); db != "" && db != "0" {
		return nil, errors.New("a cluster has no databases: leave the path out")
	}
	o, err := checked(a, func(a *address) (*goredis.ClusterOptions, error) {
		url, err := a.severalHosts(redisPort)
		if err != nil {
			return nil, err
		}
		o, err := goredis.ParseClusterURL(url)
		if err != nil {
			return nil, err
		}
		return o, goodSizes(o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns, o.MaxConcurrentDials)
	})
	if err != nil {
		return nil, err
	}
	if o.TLSConfig != nil {
		o.TLSConfig.MinVersion = tls.VersionTLS12 // as go-redis has it for a single server
	}
	return redisOpener(func() goredis.UniversalClient { return goredis.NewClusterClient(o) }, p, c), nil
}

func sentinelStore(a *address, p *parameters, c *config) (*opener, error) {
	o, err := checked(a, func(a *address) (*goredis.FailoverOptions, error) {
		url, err := a.severalHosts(sentinelPort)
		if err != nil {
			return nil, err
		}
		o, err := goredis.ParseFailoverURL(url)
		switch {
		case err != nil:
			return nil, err
		case o.MasterName == "":
			return nil, errors.New("master_name is missing: write redis+sentinel://host,host/0?master_name=main")
		case o.RouteByLatency, o.RouteRandomly, o.ReplicaOnly, o.UseDisconnectedReplicas:
			return nil, errors.New("tasks are read from the primary only: " +
				"leave out route_by_latency, route_randomly, replica_only and use_disconnected_replicas")
		}
		return o, goodSizes(o.DB, o.PoolSize, o.MinIdleConns, o.MaxIdleConns, o.MaxActiveConns, o.MaxConcurrentDials)
	})
	if err != nil {
		return nil, err
	}
	return redisOpener(func() goredis.UniversalClient { return goredis.NewFailoverClient(o) }, p, c), nil
}

// redisOpener opens a store with a client that is made when it is asked for.
func redisOpener(client func() goredis.UniversalClient, p *parameters, c *config) *opener {
	opts := []redis.Option{redis.Logger(c.logger), redis.ClockOffset(c.offset)}
	if p.namespace != "" {
		opts = append(opts, redis.Namespace(p.namespace))
	}
	if p.retention > 0 {
		opts = append(opts, redis.Retention(p.retention))
	}
	if p.retentionFailed > 0 {
		opts = append(opts, redis.RetentionFailed(p.retentionFailed))
	}
	if p.replicas > 0 {
		opts = append(opts, redis.Replicas(p.replicas, p.replicasWithin))
	}
	return &opener{
		open: func(context.Context) (store.Full, func() error, error) {
			client := client()
			s, err := redis.New(client, opts...)
			if err != nil {
				return nil, nil, errors.Join(err, client.Close())
			}
			return s, client.Close, nil
		},
		drop: func(ctx context.Context) error {
			client := client()
			return errors.Join(dropKeys(ctx, client, p.namespace), client.Close())
		},
	}
}

// dropKeys removes all keys of a namespace. A server has no list of them, so all of its keys are
// passed by.
func dropKeys(ctx context.Context, client goredis.UniversalClient, namespace string) error {
	const atOnce = 1000
	drop := func(ctx context.Context, node *goredis.Client) error {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			keys, next, err := node.Scan(ctx, cursor, "{"+namespace+"}:*", atOnce).Result()
			if err != nil {
				return err
			}
			if len(keys) > 0 {
				if err := node.Unlink(ctx, keys...).Err(); err != nil {
					return err
				}
			}
			cursor = next
		}
		return nil
	}
	switch client := client.(type) {
	case *goredis.ClusterClient: // the namespace's slot may have moved meanwhile
		return client.ForEachMaster(ctx, drop)
	case *goredis.Client:
		return drop(ctx, client)
	default:
		return fmt.Errorf("unknown client %T", client)
	}
}

// goodSizes refuses numbers that go-redis would panic at.
func goodSizes(numbers ...int) error {
	for _, n := range numbers {
		if n < 0 || n > mostConns {
			return fmt.Errorf("give numbers from 0 to %d for the database and the sizes of the pool", mostConns)
		}
	}
	return nil
}

// severalHosts returns the URL as go-redis has it: the first host, and the others as parameters.
func (a *address) severalHosts(port string) (string, error) {
	tls, _, _ := strings.Cut(a.scheme, "+")
	one := *a
	for i, host := range strings.Split(a.hosts, ",") {
		host, err := withPort(host, port)
		switch {
		case err != nil:
			return "", err
		case i == 0:
			one.hosts = host
		default:
			one.query = append(slices.Clip(one.query), pair{text: "addr=" + url.QueryEscape(host)})
		}
	}
	return one.as(tls), nil
}

// withPort adds a port to a host without one.
func withPort(host, port string) (string, error) {
	if name, given, err := net.SplitHostPort(host); err == nil && name != "" && given != "" {
		return host, nil
	}
	name := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if name == "" || strings.HasSuffix(host, ":") {
		return "", errors.New("a host is missing: write host,host or host:port,host:port")
	}
	return net.JoinHostPort(name, port), nil
}
