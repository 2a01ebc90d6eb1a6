package redis_test

import (
	"slices"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// A hundred thousand tasks of other names in front, over several lanes, do not hide one that is known,
// and a worker that knows them claims them meanwhile.
func TestForeignNamesHideNothing(t *testing.T) {
	const foreign, perClaim = 100_000, 1000
	client := connect(t, servers.RedisServer(t).URL())
	empty(t, client, "foreign")
	s := openStore(t, client, redis.Namespace("foreign"))
	for first := range foreign / 10_000 {
		tasks := slices.Repeat([]store.NewTask{{Name: "foreign", Queue: "q", Encoding: "json", Priority: first % 3}}, 10_000)
		if _, err := s.Insert(t.Context(), tasks); err != nil {
			t.Fatal(err)
		}
	}
	known := []store.NewTask{{Name: "n", Queue: "q", Encoding: "json"}}
	if _, err := s.Insert(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	for claims := 1; ; claims++ {
		tasks, err := s.ClaimDue(t.Context(), newClaim())
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) == 1 && tasks[0].ID == known[0].ID {
			t.Logf("found after %d claims", claims)
			break
		}
		if most := 4 * foreign / perClaim; claims == most {
			t.Fatalf("not found in %d claims, each of which looks at %d tasks", claims, perClaim)
		}
	}
	c := newClaim()
	c.Names = []string{"foreign"}
	if tasks, err := s.ClaimDue(t.Context(), c); err != nil || len(tasks) != c.Limit {
		t.Fatalf("who knows the others claimed %d of them, error %v", len(tasks), err)
	}
}
