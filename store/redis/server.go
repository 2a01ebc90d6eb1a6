package redis

import (
	"context"
	"errors"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// A server is where the namespace's keys are.
type server interface {
	// node returns a client of the server that is in charge of the namespace now.
	node(ctx context.Context) (*goredis.Client, error)
	// moved learns of an error of a node, and reports whether the namespace, or the node's role, may have
	// moved: then nothing was done, and another try is worth it.
	moved(ctx context.Context, err error) bool
	// subscribe listens to a channel.
	subscribe(ctx context.Context, channel string) *goredis.PubSub
	clustered() bool
	close() error
}

// single is one server, or whichever Sentinel says is the primary.
type single struct{ client *goredis.Client }

func (s single) node(context.Context) (*goredis.Client, error) { return s.client, nil }
func (single) moved(context.Context, error) bool               { return false }
func (single) clustered() bool                                 { return false }
func (s single) close() error                                  { return s.client.Close() }

func (s single) subscribe(ctx context.Context, channel string) *goredis.PubSub {
	return s.client.Subscribe(ctx, channel)
}

// cluster is many servers, one of which has the slot of a key.
type cluster struct {
	client *goredis.ClusterClient
	key    string
}

func (c *cluster) node(ctx context.Context) (*goredis.Client, error) {
	return c.client.MasterForKey(ctx, c.key)
}

func (c *cluster) moved(ctx context.Context, err error) bool {
	var refusal goredis.Error
	if !errors.As(err, &refusal) { // a server that has died is noticed by nobody else
		c.client.ReloadState(ctx)
		return neverSent(err)
	}
	for _, kind := range []string{"MOVED ", "ASK ", "CLUSTERDOWN ", "READONLY ", "TRYAGAIN "} {
		if strings.HasPrefix(refusal.Error(), kind) {
			c.client.ReloadState(ctx)
			return true
		}
	}
	return false
}

func (c *cluster) subscribe(ctx context.Context, channel string) *goredis.PubSub {
	return c.client.SSubscribe(ctx, channel)
}

func (*cluster) clustered() bool { return true }
func (c *cluster) close() error  { return c.client.Close() }

// movedPause is how long a slot that moves is given before the next try. A call makes a few.
const (
	movedPause = 50 * time.Millisecond
	movedTries = 10
)
