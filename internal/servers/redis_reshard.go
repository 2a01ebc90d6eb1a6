package servers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// A move is one of a slot from a master to another, both of which still serve it in part.
type move struct {
	slot     int
	from, to *clusterNode
}

// MoveSlot moves the slot of a key, with all its keys, to another master, and returns when all
// nodes know. If halfway is not nil, it is called when the key itself, if it exists, and about half
// of the slot's other keys have moved: there, clients are answered with ASK, and with TRYAGAIN if
// they name keys in both halves. No node may be killed before MoveSlot returns.
func (c *Cluster) MoveSlot(tb testing.TB, ofKey string, halfway func()) {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // other tests may need the cluster, whatever becomes of this one
	m, err := c.beginMove(ctx, ofKey)
	if err == nil {
		err = m.moveHalf(ctx, ofKey)
	}
	defer func() {
		if err == nil {
			err = m.moveRest(ctx)
		}
		if err == nil {
			err = c.endMove(ctx, m)
		}
		if err != nil {
			tb.Fatalf("redis: slot of %q: %v", ofKey, err)
		}
	}()
	if err == nil && halfway != nil {
		halfway()
	}
}

// beginMove tells the two masters.
func (c *Cluster) beginMove(ctx context.Context, key string) (move, error) {
	from, slot, err := c.masterOf(ctx, key)
	if err != nil {
		return move{}, err
	}
	view, err := from.view(ctx)
	if err != nil {
		return move{}, err
	}
	others := slices.DeleteFunc(c.masters(view), func(n *clusterNode) bool { return n == from })
	if len(others) == 0 {
		return move{}, errors.New("there is no other master")
	}
	m := move{slot, from, others[0]}
	// In this order, nobody is sent to a node that does not expect it.
	if err := m.to.client.Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.id).Err(); err != nil {
		return move{}, err
	}
	return m, from.client.Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", m.to.id).Err()
}

// masters returns the nodes that run and serve slots.
func (c *Cluster) masters(view clusterView) []*clusterNode {
	masters, _ := view.ids()
	return slices.DeleteFunc(c.running(), func(n *clusterNode) bool { return !masters[n.id] })
}

// keys returns the keys that have not moved.
func (m move) keys(ctx context.Context) ([]string, error) {
	n, err := m.from.client.ClusterCountKeysInSlot(ctx, m.slot).Result()
	if err != nil || n == 0 {
		return nil, err
	}
	return m.from.client.ClusterGetKeysInSlot(ctx, m.slot, int(n)).Result()
}

// moveHalf moves a key and half of the others.
func (m move) moveHalf(ctx context.Context, key string) error {
	keys, err := m.keys(ctx)
	if err != nil {
		return err
	}
	half := (len(keys) + 1) / 2
	if i := slices.Index(keys, key); i >= 0 {
		keys[0], keys[i] = keys[i], keys[0]
	}
	return m.migrate(ctx, keys[:half])
}

// moveRest moves all keys that are left.
func (m move) moveRest(ctx context.Context) error {
	keys, err := m.keys(ctx)
	if err != nil {
		return err
	}
	return m.migrate(ctx, keys) // the source of a move accepts no new keys
}

// migrate moves keys, some at a time, since meanwhile the source does nothing else.
func (m move) migrate(ctx context.Context, keys []string) error {
	const atOnce = 100
	for some := range slices.Chunk(keys, atOnce) {
		command := []any{"MIGRATE", loopback, m.to.port, "", 0, patience.Milliseconds(), "KEYS"}
		for _, key := range some {
			command = append(command, key)
		}
		if err := m.from.client.Do(ctx, command...).Err(); err != nil {
			return err
		}
	}
	return nil
}

// endMove tells all masters who serves the slot now, and waits until all nodes know.
func (c *Cluster) endMove(ctx context.Context, m move) error {
	view, err := m.to.view(ctx)
	if err != nil {
		return err
	}
	masters := append([]*clusterNode{m.to, m.from}, c.masters(view)...) // the new one has to be the first
	for _, n := range masters {
		if err := n.client.Do(ctx, "CLUSTER", "SETSLOT", m.slot, "NODE", m.to.id).Err(); err != nil {
			return fmt.Errorf("%s: %w", address(n.port), err)
		}
	}
	return c.awaitOK(ctx)
}
