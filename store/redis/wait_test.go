package redis_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// hears waits for hints to the queue "q" while it does something again and again.
func hears(t *testing.T, s *redis.Store, again func(), enough func(store.Hint) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hints := make(chan store.Hint)
	go func() {
		for ctx.Err() == nil {
			if hint, err := s.Wait(ctx, []string{"q"}); err == nil {
				select {
				case hints <- hint:
				case <-ctx.Done():
				}
			}
		}
	}()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		again()
		select {
		case hint := <-hints:
			if enough(hint) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("nothing was heard within %s", patience)
		case <-tick.C:
		}
	}
}

func anyHint(store.Hint) bool { return true }

// hearsCancels cancels running tasks until a hint names one.
func hearsCancels(t *testing.T, here, there *redis.Store) {
	t.Helper()
	var cancelled []int64
	hears(t, here, func() {
		insert(t, there, 1)
		tasks, err := there.ClaimDue(t.Context(), newClaim())
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if _, err := there.Cancel(t.Context(), store.Filter{IDs: []int64{task.ID}}, 0); err != nil {
				t.Fatal(err)
			}
			cancelled = append(cancelled, task.ID)
		}
	}, func(hint store.Hint) bool {
		return slices.ContainsFunc(hint.Cancelled, func(id int64) bool { return slices.Contains(cancelled, id) })
	})
}

// What one process schedules, or cancels, another one hears, also after its connection was cut. A
// cancellation is the proof, as a new subscription is a hint by itself.
func TestProcessesHearEachOther(t *testing.T) {
	here, client := fresh(t)
	there := openStore(t, client, redis.Namespace(namespace(t)))
	hears(t, here, func() { insert(t, there, 1) }, anyHint)
	hearsCancels(t, here, there)
	if err := client.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	hearsCancels(t, here, there)
}

// In a cluster what is published comes by the node that has the slot, wherever that moves.
func TestProcessesHearEachOtherInACluster(t *testing.T) {
	c := servers.RedisCluster(t)
	client := modes["Cluster"](t)
	empty(t, client, namespace(t))
	here, there := openStore(t, client, redis.Namespace(namespace(t))), openStore(t, client, redis.Namespace(namespace(t)))
	hearsCancels(t, here, there)
	c.MoveSlot(t, "{"+namespace(t)+"}:id", nil)
	hearsCancels(t, here, there)
}
