package servers

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// A clusterView is what a node tells clients: who serves each range of slots, the master first and
// then its replicas. Replicas are left out that are dead or have got nothing from their master yet.
type clusterView []redis.ClusterSlot

// view asks a node. Two that know the same answer the same.
func (n *clusterNode) view(ctx context.Context) (clusterView, error) {
	view, err := n.client.ClusterSlots(ctx).Result() //nolint:staticcheck // there is a newer command, but clients ask by this one
	slices.SortFunc(view, func(a, b redis.ClusterSlot) int { return cmp.Compare(a.Start, b.Start) })
	for _, slots := range view {
		slices.SortFunc(slots.Nodes[1:], func(a, b redis.ClusterNode) int { return strings.Compare(a.ID, b.ID) })
	}
	return view, err
}

// master returns the id of the master of a slot, or nothing if there is none.
func (v clusterView) master(slot int) string {
	for _, slots := range v {
		if slots.Start <= slot && slot <= slots.End {
			return slots.Nodes[0].ID
		}
	}
	return ""
}

// ids returns the ids of the masters, and those of all nodes.
func (v clusterView) ids() (masters, all map[string]bool) {
	masters, all = map[string]bool{}, map[string]bool{}
	for _, slots := range v {
		masters[slots.Nodes[0].ID] = true
		for _, n := range slots.Nodes {
			all[n.ID] = true
		}
	}
	return masters, all
}

// AwaitOK returns when the nodes that run serve all slots, are of one mind about who serves which,
// and know nobody else, and the replicas among them follow their masters.
func (c *Cluster) AwaitOK(tb testing.TB) {
	tb.Helper()
	if err := c.awaitOK(tb.Context()); err != nil {
		tb.Fatalf("redis: the cluster is not complete: %v", err)
	}
}

func (c *Cluster) awaitOK(ctx context.Context) error {
	return until(func() error {
		var first clusterView
		running := c.running()
		for _, n := range running {
			view, err := n.view(ctx)
			if err == nil {
				err = view.only(running)
			}
			if err == nil {
				err = n.complete(ctx)
			}
			if err != nil {
				return fmt.Errorf("node %s: %w", address(n.port), err)
			}
			if first == nil {
				first = view
			}
			if !reflect.DeepEqual(first, view) {
				return fmt.Errorf("node %s knows %v, node %s knows %v", address(running[0].port), first, address(n.port), view)
			}
		}
		return nil
	})
}

// only returns an error unless the nodes are all that there are in the view.
func (v clusterView) only(nodes []*clusterNode) error {
	_, all := v.ids()
	for _, n := range nodes {
		if !all[n.id] {
			return fmt.Errorf("it does not know %s", address(n.port))
		}
		delete(all, n.id)
	}
	if len(all) > 0 {
		return fmt.Errorf("it does not know that %d nodes are gone", len(all))
	}
	return nil
}

// complete returns an error unless all is well as far as the node knows.
func (n *clusterNode) complete(ctx context.Context) error {
	text, err := n.client.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	if info := fields(text); info["cluster_state"] != "ok" || info["cluster_slots_ok"] != strconv.Itoa(clusterSlots) {
		return fmt.Errorf("in the state %q, with %s good slots", info["cluster_state"], info["cluster_slots_ok"])
	}
	info, err := redisInfo(address(n.port))
	if err == nil && info["role"] == "slave" && info["master_link_status"] != "up" {
		err = fmt.Errorf("the link to its master is %s", info["master_link_status"])
	}
	return err
}
