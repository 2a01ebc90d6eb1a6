package postgres_test

import (
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// What a repeated claim returns is of one moment: it must not see the lease as it was before its tasks were
// taken back, and the tasks as they are afterwards.
func TestRepeatedClaimDuringTakeBack(t *testing.T) {
	s, pool := openFresh(t)
	if _, err := s.Insert(t.Context(), []store.NewTask{newTask()}); err != nil {
		t.Fatal(err)
	}
	c := newClaim()
	c.For = time.Nanosecond
	if tasks, err := s.ClaimDue(t.Context(), c); err != nil || len(tasks) != 1 {
		t.Fatalf("claimed %d tasks, error %v", len(tasks), err)
	}

	other, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "LOCK TABLE firefly.task IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		tasks []store.Task
		err   error
	}
	repeated := make(chan answer, 1)
	go func() {
		tasks, err := s.ClaimDue(t.Context(), c)
		repeated <- answer{tasks, err}
	}()
	const waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'firefly.task'::regclass AND NOT granted)"
	for waits := false; !waits; {
		select {
		case got := <-repeated:
			t.Fatalf("the repeated claim got %+v, error %v, without a look at the tasks", got.tasks, got.err)
		default:
		}
		if err := pool.QueryRow(t.Context(), waiting).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := other.Exec(t.Context(), "SELECT firefly.take_back_1(clock_timestamp())"); err != nil {
		t.Fatal(err)
	}
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-repeated; got.err != nil || len(got.tasks) != 0 {
		t.Errorf("the repeated claim got %+v, error %v, of a lease that holds nothing", got.tasks, got.err)
	}
}
