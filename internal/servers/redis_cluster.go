package servers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A Cluster is a Redis Cluster of this machine's binaries: three masters, and a replica of each.
type Cluster struct {
	nodes  []*clusterNode
	shared bool
}

// A clusterNode is one of a cluster's servers.
type clusterNode struct {
	*redisNode

	id     string // among the nodes; kept for life
	client *redis.Client
}

const (
	clusterMasters = 3
	clusterSlots   = 16384
)

// clusterSettings are lines for the redis.conf of each node. A node that has not answered for the
// timeout, in milliseconds, is taken for dead: shorter ones would do, too, on a machine that is
// never so busy that a node does not get to run.
var clusterSettings = []string{
	"cluster-enabled yes",
	"cluster-config-file nodes.conf",
	"cluster-announce-ip " + loopback,
	"cluster-node-timeout 2000",
	"repl-ping-replica-period 1",        // a replica counts once it has got something: a ping, if nothing else
	"cluster-replica-validity-factor 0", // a replica takes over even if its master was gone for long
}

// sharedCluster starts the cluster that all tests of this binary use, and that runs until it ends.
var sharedCluster = sync.OnceValues(func() (*Cluster, error) {
	c, err := startCluster(forgetful...)
	if err != nil {
		return nil, err
	}
	c.shared = true
	return c, nil
})

// RedisCluster returns the cluster that the tests of this binary share, without persistence. It may
// hold other tests' keys, and none of its nodes may be killed. As for any cluster, binaries on this
// machine are needed.
func RedisCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c, err := sharedCluster()
	check(tb, redisOrFork.name, err)
	return c
}

// NewRedisCluster starts a cluster for the test alone and returns when every node knows it as
// complete, and every replica follows its master. Each node keeps what it has acknowledged: the
// test may kill some. Settings are lines for the redis.conf of each node. It ends with the test.
func NewRedisCluster(tb testing.TB, settings ...string) *Cluster {
	tb.Helper()
	c, err := startCluster(append(durable, settings...)...)
	check(tb, redisOrFork.name, err)
	tb.Cleanup(func() {
		if err := c.end(); err != nil {
			tb.Errorf("redis: %v", err)
		}
	})
	return c
}

// startCluster starts the nodes and joins them.
func startCluster(settings ...string) (*Cluster, error) {
	const busPort = 10_000 // above the port that the nodes talk to each other on
	c := &Cluster{}
	for range 2 * clusterMasters {
		node, err := newRedisNode(redisOrFork, highestPort-busPort, append(clusterSettings, settings...)...)
		if err != nil {
			return nil, errors.Join(err, c.end())
		}
		client := redis.NewClient(&redis.Options{Addr: address(node.port)})
		c.nodes = append(c.nodes, &clusterNode{redisNode: node, client: client})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	err := c.join(ctx)
	if err == nil {
		err = c.awaitOK(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, c.end())
	}
	return c, nil
}

// join makes a cluster of the nodes, of which the first are the masters.
func (c *Cluster) join(ctx context.Context) error {
	for i, n := range c.nodes {
		// Without an order among them from the start, they would have to make one.
		err := n.client.Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err()
		if err == nil {
			n.id, err = n.client.ClusterMyID(ctx).Result()
		}
		if err == nil && i < clusterMasters {
			err = n.client.ClusterAddSlotsRange(ctx, i*clusterSlots/clusterMasters, (i+1)*clusterSlots/clusterMasters-1).Err()
		}
		for _, other := range c.nodes[:i] {
			if err == nil { // they would hear of each other, but later
				err = n.client.ClusterMeet(ctx, loopback, strconv.Itoa(other.port)).Err()
			}
		}
		if err != nil {
			return err
		}
	}
	for i, replica := range c.nodes[clusterMasters:] {
		// At first it does not know that there is such a node.
		if err := until(func() error { return replica.client.ClusterReplicate(ctx, c.nodes[i].id).Err() }); err != nil {
			return err
		}
	}
	return nil
}

// Addrs returns the host:port of each node, also of those that were killed.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		addrs[i] = address(n.port)
	}
	return addrs
}

// Processes returns the process ids of the nodes that run, for measuring.
func (c *Cluster) Processes() ([]int, error) {
	var all []int
	for _, n := range c.nodes {
		pids, err := n.processes()
		if err != nil {
			return nil, err
		}
		all = append(all, pids...)
	}
	return all, nil
}

// running returns the nodes that were not killed.
func (c *Cluster) running() []*clusterNode {
	return slices.DeleteFunc(slices.Clone(c.nodes), func(n *clusterNode) bool { return n.running() == 0 })
}

// end kills all nodes and removes their data.
func (c *Cluster) end() error {
	var err error
	for _, n := range c.nodes {
		err = errors.Join(err, n.client.Close(), n.end())
	}
	return err
}
