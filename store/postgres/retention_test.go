package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

// partitions returns how many a tree has.
func partitions(t *testing.T, s *shop, tree string) (n int) {
	t.Helper()
	err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_inherits WHERE inhparent = $1::regclass", "firefly."+tree).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// finish ends a number of tasks in each way, at some time on the store's clock.
func (s *shop) finish(n int) {
	s.Helper()
	tasks := make([]store.NewTask, 2*n)
	for i := range tasks {
		tasks[i] = newTask()
	}
	if _, err := s.store.Insert(s.Context(), tasks); err != nil {
		s.Fatal(err)
	}
	c := newClaim()
	c.Limit = len(tasks)
	claimed, err := s.store.ClaimDue(s.Context(), c)
	if err != nil || len(claimed) != len(tasks) {
		s.Fatalf("claimed %d tasks, error %v", len(claimed), err)
	}
	done, failed := make([]store.Completion, n), make([]store.Failure, n)
	for i := range n {
		done[i] = store.Completion{ID: claimed[i].ID, Lease: c.Lease}
		failed[i] = store.Failure{ID: claimed[n+i].ID, Lease: c.Lease, Cancelled: i%2 == 0}
	}
	if err := errors.Join(s.store.Complete(s.Context(), done), s.store.Fail(s.Context(), failed)); err != nil {
		s.Fatal(err)
	}
}

func (s *shop) counts() string {
	s.Helper()
	counts, err := s.store.Counts(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, c := range counts {
		lines = append(lines, fmt.Sprintf("%s: %d completed, %d failed, %d cancelled", c.Queue, c.Completed, c.Failed, c.Cancelled))
	}
	return strings.Join(lines, "\n")
}

// Days past their retention are dropped whole, each tree's on its own, and counts follow. Days to
// come have their partitions two weeks ahead.
func TestRetentionDropsDays(t *testing.T) {
	var offset time.Duration
	s := newShop(t)
	s.store = openStore(t, s.pool, postgres.ClockOffset(func() time.Duration { return offset }),
		postgres.Retention(24*time.Hour), postgres.RetentionFailed(72*time.Hour))
	if got := partitions(t, s, "completed"); got != 15 {
		t.Errorf("there are %d partitions, want that of today and 14 more", got)
	}
	offset = 24 * time.Hour
	if err := s.store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := partitions(t, s, "completed"); got != 16 {
		t.Errorf("there are %d partitions when the owner has migrated a day later, want one more", got)
	}
	offset = 0
	tidy := func() {
		t.Helper()
		if err := postgres.Housekeep(t.Context(), s.store); err != nil {
			t.Fatal(err)
		}
	}
	s.finish(4)
	tidy()
	if got, want := s.counts(), "q: 4 completed, 2 failed, 2 cancelled"; got != want {
		t.Errorf("after a day of work: %s, want %s", got, want)
	}
	offset = 49 * time.Hour // a day's last task has been there for 24 hours at least
	tidy()
	if got, want := s.counts(), "q: 0 completed, 2 failed, 2 cancelled"; got != want {
		t.Errorf("two days later: %s, want %s", got, want)
	}
	if got := partitions(t, s, "completed"); got != 16 {
		t.Errorf("there are %d partitions two days later, want 15 and that of yesterday", got)
	}
	offset = 97 * time.Hour
	tidy()
	if got := s.counts(); got != "" {
		t.Errorf("four days later: %s, want nothing", got)
	}
	offset = 100 * 24 * time.Hour // nobody has made partitions for so long
	s.finish(1)
	if got, want := s.counts(), "q: 1 completed, 0 failed, 1 cancelled"; got != want {
		t.Errorf("a hundred days later: %s, want %s", got, want)
	}
}

// A reader that holds the finished tasks open keeps their partitions from being dropped, and
// nothing else: housekeeping gives up at once, and settling goes on.
func TestReaderHoldsFinishedOpen(t *testing.T) {
	var offset time.Duration
	s := newShop(t)
	s.store = openStore(t, s.pool, postgres.ClockOffset(func() time.Duration { return offset }), postgres.Retention(time.Hour))
	s.finish(2)
	reader, err := s.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Rollback(t.Context()) }()
	var n int
	if err := reader.QueryRow(t.Context(), "SELECT count(*) FROM firefly.firefly_tasks").Scan(&n); err != nil || n != 4 {
		t.Fatalf("the reader sees %d tasks, error %v", n, err)
	}
	offset = 72 * time.Hour
	if err := postgres.Housekeep(t.Context(), s.store); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("housekeeping beside a reader: %v, want that it gave up", err)
	}
	s.finish(2)
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Housekeep(t.Context(), s.store); err != nil {
		t.Errorf("housekeeping after the reader: %v", err)
	}
	if got, want := s.counts(), "q: 2 completed, 2 failed, 2 cancelled"; got != want {
		t.Errorf("in the end: %s, want %s", got, want)
	}
}
