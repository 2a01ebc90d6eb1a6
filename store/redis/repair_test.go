package redis_test

import (
	"slices"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// Whatever index is lost, it is rebuilt from the records: afterwards every task is where it was, and
// what a dead lease held waits again.
func TestRepair(t *testing.T) {
	for name, test := range map[string]struct {
		lost  []string // keys, without the namespace; * stands for the rest of a name
		freed bool     // the lease is lost, so its tasks wait again
	}{
		"nothing":           {},
		"lanes":             {lost: []string{"d:*"}},
		"counts":            {lost: []string{"n"}},
		"unique keys":       {lost: []string{"u", "k"}},
		"lists of the dead": {lost: []string{"e:*", "hours"}},
		"ends of leases":    {lost: []string{"leases"}},
		"leases":            {lost: []string{"l", "leases"}, freed: true},
		"sets of leases":    {lost: []string{"l:*"}, freed: true},
		"all indexes":       {lost: []string{"d:*", "n", "u", "k", "e:*", "hours", "leases", "l", "l:*"}, freed: true},
	} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, servers.RedisServer(t).URL())
			empty(t, client, "repair")
			s := openStore(t, client, redis.Namespace("repair"))
			c, ids := populate(t, s)
			before := statuses(t, s, ids)
			lose(t, client, test.lost)
			mended, err := s.Repair(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if name == "nothing" && mended != 0 {
				t.Errorf("mended %d things where nothing was lost", mended)
			}
			want := slices.Clone(before)
			for i := range want {
				if test.freed && want[i] == store.Running {
					want[i] = store.Created
				}
			}
			if got := statuses(t, s, ids); !slices.Equal(got, want) {
				t.Errorf("tasks are %v, want %v", got, want)
			}
			expectCounts(t, s, tally(want))
			if again, err := s.Repair(t.Context()); err != nil || again != 0 {
				t.Errorf("a second repair mended %d things, error %v", again, err)
			}
			key := []store.NewTask{{Name: "n", Queue: "q", Encoding: "json", UniqueKey: "key"}}
			if out, err := s.Insert(t.Context(), key); err != nil || out[0].Outcome != store.Existing {
				t.Errorf("a second task of the key: %+v, error %v", out, err)
			}
			if err := s.Complete(t.Context(), []store.Completion{{ID: ids[2], Lease: c.Lease}}); (err == nil) == test.freed {
				t.Errorf("completion by the lease: %v, and the lease was lost: %t", err, test.freed)
			}
		})
	}
}

// populate leaves a task in each state, and returns the claim that holds the one that runs.
func populate(t *testing.T, s *redis.Store) (store.Claim, []int64) {
	t.Helper()
	tasks := make([]store.NewTask, 5)
	ids := make([]int64, len(tasks))
	for i := range tasks {
		tasks[i] = store.NewTask{Name: "n", Queue: "q", Encoding: "json", Priority: max(0, 2-i), Params: []byte(`1`)}
	}
	tasks[3].UniqueKey, tasks[3].Priority = "key", -1
	tasks[4].Priority = -2
	if _, err := s.Insert(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	for i := range tasks {
		ids[i] = tasks[i].ID
	}
	c := newClaim()
	c.Limit = 3
	if claimed, err := s.ClaimDue(t.Context(), c); err != nil || len(claimed) != 3 {
		t.Fatalf("claimed %d tasks, error %v", len(claimed), err)
	}
	if err := s.Complete(t.Context(), []store.Completion{{ID: ids[0], Lease: c.Lease}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Fail(t.Context(), []store.Failure{{ID: ids[1], Lease: c.Lease}}); err != nil {
		t.Fatal(err)
	}
	return c, ids
}

func statuses(t *testing.T, s *redis.Store, ids []int64) (all []store.Status) {
	t.Helper()
	tasks, err := s.Get(t.Context(), ids)
	if err != nil || len(tasks) != len(ids) {
		t.Fatalf("%d of %d tasks, error %v", len(tasks), len(ids), err)
	}
	for i := range tasks {
		all = append(all, tasks[i].Status)
	}
	return all
}

func tally(all []store.Status) (c store.QueueCounts) {
	for _, status := range all {
		switch status {
		case store.Created:
			c.Created++
		case store.Running:
			c.Running++
		case store.Completed:
			c.Completed++
		case store.Failed:
			c.Failed++
		default:
			c.Cancelled++
		}
	}
	return c
}

// lose deletes keys.
func lose(t *testing.T, client *goredis.Client, patterns []string) {
	t.Helper()
	for _, pattern := range patterns {
		keys := []string{"{repair}:" + pattern}
		if strings.HasSuffix(pattern, "*") {
			var err error
			if keys, err = client.Keys(t.Context(), keys[0]).Result(); err != nil {
				t.Fatal(err)
			}
		}
		if len(keys) == 0 {
			t.Fatalf("there is no key %s to lose", pattern)
		}
		if err := client.Del(t.Context(), keys...).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
