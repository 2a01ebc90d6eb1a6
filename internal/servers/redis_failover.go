package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// masterOf returns the node that runs and serves the slot of a key, in its own view, and the slot.
// It waits for the end of a failover.
func (c *Cluster) masterOf(ctx context.Context, key string) (master *clusterNode, slot int, err error) {
	err = until(func() error {
		for _, n := range c.running() {
			s, err := n.client.ClusterKeySlot(ctx, key).Result()
			if err != nil {
				return err
			}
			slot = int(s)
			view, err := n.view(ctx)
			if err != nil {
				return err
			}
			if view.master(slot) == n.id {
				master = n
				return nil
			}
		}
		return fmt.Errorf("no node serves the slot %d", slot)
	})
	return master, slot, err
}

// KillMaster kills the master of a key's slot with SIGKILL, and returns when it is gone. Its
// replica takes over some seconds later: see [Cluster.AwaitOK]. What the master had acknowledged
// and not yet sent to the replica is then lost; the command WAIT tells. KillMaster is not for a
// cluster that other tests share.
func (c *Cluster) KillMaster(tb testing.TB, ofKey string) {
	tb.Helper()
	if c.shared {
		tb.Fatal("redis: other tests use this cluster: kill nodes of NewRedisCluster")
	}
	master, _, err := c.masterOf(tb.Context(), ofKey)
	if err == nil {
		err = master.kill()
	}
	if err != nil {
		tb.Fatalf("redis: %v", err)
	}
}

// Restart starts the nodes that were killed, with their data and on their ports, and returns when
// the cluster is complete again. Masters come back as replicas if theirs have taken over.
func (c *Cluster) Restart(tb testing.TB) {
	tb.Helper()
	running := c.running()
	var errs []error
	for _, n := range c.nodes {
		if !slices.Contains(running, n) {
			errs = append(errs, n.restart())
		}
	}
	if err := errors.Join(errs...); err != nil {
		tb.Fatalf("redis: %v", err)
	}
	c.AwaitOK(tb)
}
