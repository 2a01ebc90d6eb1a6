package mongo_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// A shelf is a store whose clock a test moves.
type shelf struct {
	*mongo.Store

	t      *testing.T
	db     *driver.Database
	clock  mongo.Option // for other stores on the same database
	offset *atomic.Int64
}

func newShelf(t *testing.T, server *servers.Mongo, opts ...mongo.Option) *shelf {
	t.Helper()
	var offset atomic.Int64
	clock := mongo.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) })
	s, db := freshOn(t, server, append(opts, clock)...)
	return &shelf{s, t, db, clock, &offset}
}

// after moves the clock, and deletes what is past its retention then.
func (s *shelf) after(d time.Duration) {
	s.t.Helper()
	s.offset.Add(int64(d))
	if err := mongo.Sweep(s.t.Context(), s.Store); err != nil {
		s.t.Fatal(err)
	}
}

// finish ends n tasks in each way.
func (s *shelf) finish(n int) {
	s.t.Helper()
	insert(s.t, s.Store, 3*n)
	tasks := claim(s.t, s.Store, 3*n)
	var failed []store.Failure
	for i, task := range tasks[n:] {
		failed = append(failed, store.Failure{ID: task.ID, Lease: task.Lease, Cancelled: i < n})
	}
	if err := errors.Join(s.Complete(s.t.Context(), completions(tasks[:n]...)), s.Fail(s.t.Context(), failed)); err != nil {
		s.t.Fatal(err)
	}
}

// Finished tasks are deleted when they are past their retention, completed ones on their own, which is
// logged, and counts follow.
func TestRetention(t *testing.T) {
	var log journal
	s := newShelf(t, servers.MongoDB(t), log.option(), mongo.Retention(0), mongo.RetentionFailed(24*time.Hour))
	insert(t, s.Store, 1)
	claim(t, s.Store, 1)
	s.finish(4)
	for _, step := range []struct {
		after time.Duration
		want  store.QueueCounts
		log   string // that is new; empty if nothing is
	}{
		{9 * time.Minute, store.QueueCounts{Completed: 4, Failed: 4, Cancelled: 4}, ""}, // ten are what repeats need
		{2 * time.Minute, store.QueueCounts{Failed: 4, Cancelled: 4}, "tasks=4"},
		{23 * time.Hour, store.QueueCounts{Failed: 4, Cancelled: 4}, ""},
		{time.Hour, store.QueueCounts{}, "tasks=8"},
		{1000 * time.Hour, store.QueueCounts{}, ""},
	} {
		s.after(step.after)
		step.want.Running = 1
		expectCounts(t, s.Store, step.want)
		if got := log.take(); !strings.Contains(got, step.log) || (got != "") != (step.log != "") {
			t.Errorf("%s later was logged %q, want %q", step.after, got, step.log)
		}
	}
}

// A lease that holds nothing any more is remembered for as long as its claim may be repeated.
func TestSpentLeasesAreForgotten(t *testing.T) {
	s := newShelf(t, servers.MongoDB(t))
	insert(t, s.Store, 3)
	c := newClaim(1)
	tasks, err := s.ClaimDue(t.Context(), c)
	if err == nil {
		err = s.Complete(t.Context(), completions(tasks...))
	}
	if err == nil {
		err = mongo.Retire(t.Context(), s.Store)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.after(9 * time.Minute)
	if again, err := s.ClaimDue(t.Context(), c); err != nil || len(again) != 0 {
		t.Errorf("nine minutes later the claim repeated got %d tasks, error %v", len(again), err)
	}
	s.after(2 * time.Minute)
	if again, err := s.ClaimDue(t.Context(), c); err != nil || len(again) != 1 {
		t.Errorf("eleven minutes later the claim got %d tasks, error %v: its id should be forgotten", len(again), err)
	}
}

// A claim that takes tasks after its lease has ended, and was taken back, holds them by no lease that can
// end. They are found, and taken back, with one crash more.
func TestClaimThatCameTooLate(t *testing.T) {
	server := servers.MongoDB(t)
	s := newShelf(t, server)
	ids := insert(t, s.Store, 3)
	held := claim(t, s.Store, 1)[0]
	var stops atomic.Bool
	w := wire{before: func(command string, _ bson.Raw) {
		if command != "update" || !stops.Swap(false) {
			return
		}
		s.offset.Add(int64(2 * time.Minute)) // its lease ends meanwhile, and another process takes that back
		_, err := s.Extend(t.Context(), time.Hour, []store.LeaseID{held.Lease})
		other := newClaim(1)
		other.Queues = []string{"other"}
		_, claimed := s.ClaimDue(t.Context(), other)
		if err := errors.Join(err, claimed); err != nil {
			t.Error(err)
		}
	}}
	slow := openStore(t, w.connect(t, server.URL(), s.db.Name(), patience), s.clock)
	stops.Store(true)
	late := claim(t, slow, 2)
	if out, err := slow.Extend(t.Context(), time.Minute, []store.LeaseID{late[0].Lease}); err != nil || !out[0].Lost {
		t.Errorf("its lease can be extended: %+v, error %v", out, err)
	}
	mend := func() {
		t.Helper()
		if err := mongo.Mend(t.Context(), s.Store); err != nil {
			t.Fatal(err)
		}
	}
	mend()
	expectCounts(t, s.Store, store.QueueCounts{Running: 3}) // it may be about to say so
	s.offset.Add(int64(11 * time.Second))
	mend()
	expectCounts(t, s.Store, store.QueueCounts{Created: 2, Running: 1})
	if _, err := mongo.Leases(s.Store).DeleteOne(t.Context(), bson.M{"_id": held.Lease[:]}); err != nil {
		t.Fatal(err)
	}
	mend()
	mend()
	expectCounts(t, s.Store, store.QueueCounts{Created: 3})
	for _, id := range ids {
		if got := task(t, s.Store, id); got.Crashes != 1 || got.Status != store.Created {
			t.Errorf("task %d is %s after %d crashes", id, got.Status, got.Crashes)
		}
	}
	if err := slow.Complete(t.Context(), completions(late...)); !errors.Is(err, store.ErrLeaseLost) {
		t.Errorf("the late claim completes its tasks: %v", err)
	}
	if tasks := claim(t, s.Store, 3); tasks[0].Crashes != 1 {
		t.Errorf("claimed %+v", tasks)
	}
}

// Tallies are added up once, also if several do it at once, while tasks come and go.
func TestManyFold(t *testing.T) {
	s := newShelf(t, servers.MongoDB(t))
	const stores, rounds, tasks = 4, 5, 3
	var all sync.WaitGroup
	for range stores {
		one := openStore(t, s.db)
		all.Go(func() {
			for range rounds {
				_, err := one.Insert(t.Context(), newTasks(tasks))
				if err := errors.Join(err, mongo.Fold(t.Context(), one)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	expectCounts(t, s.Store, store.QueueCounts{Created: stores * rounds * tasks})
}

// Who adds up tallies may stop after any of its commands.
func TestFoldStops(t *testing.T) {
	server := servers.MongoDB(t)
	s := newShelf(t, server)
	created, commands := int64(0), 0
	for hit := true; hit; commands++ {
		writer := openStore(t, s.db)
		insert(t, writer, 2)
		insert(t, writer, 1)
		_ = writer.Close() // or it adds them up itself
		created += 3
		var w wire
		stopping := openStore(t, w.connect(t, server.URL(), s.db.Name(), 50*time.Millisecond))
		var err error
		hit = w.tearAfter(commands+1, func() { err = mongo.Fold(t.Context(), stopping) })
		if !hit && err != nil {
			t.Fatal(err)
		}
		expectCounts(t, s.Store, store.QueueCounts{Created: created})
		if err := mongo.Fold(t.Context(), s.Store); err != nil {
			t.Fatal(err)
		}
		expectCounts(t, s.Store, store.QueueCounts{Created: created})
		left, err := mongo.Tasks(s.Store).CountDocuments(t.Context(), bson.M{"tally": bson.M{"$exists": true}})
		if err != nil || left > 0 {
			t.Errorf("%d tallies are left, error %v", left, err)
		}
	}
	if commands < 5 {
		t.Errorf("it stopped after each of %d commands only", commands-1)
	}
}

// Counts that somebody has damaged are corrected, and only those.
func TestRecount(t *testing.T) {
	s := newShelf(t, servers.MongoDB(t))
	s.finish(2)
	insert(t, s.Store, 3)
	claim(t, s.Store, 1)
	want := store.QueueCounts{Created: 2, Running: 1, Completed: 2, Failed: 2, Cancelled: 2}
	if err := s.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectCounts(t, s.Store, want)
	for _, d := range []bson.M{
		{"queue": "q", "n": bson.A{int64(7), int64(-1), int64(0), int64(100), int64(0)}},
		{"queue": "ghost", "n": bson.A{int64(1), int64(0), int64(0), int64(0), int64(0)}},
	} {
		if _, err := mongo.Tasks(s.Store).InsertOne(t.Context(), bson.M{"_id": bson.NewObjectID(), "tally": bson.A{d}}); err != nil {
			t.Fatal(err)
		}
	}
	if counts, err := s.Counts(t.Context()); err != nil || len(counts) != 2 {
		t.Fatalf("counts are %+v, error %v, want that they are damaged", counts, err)
	}
	if err := s.Recount(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectCounts(t, s.Store, want)
}

// Of two recounts that have found the same at the same time, one corrects it, whatever was folded meanwhile.
func TestTwoRecountsCorrectOnce(t *testing.T) {
	s, _ := fresh(t)
	for _, first := range []bool{true, false} {
		insert(t, s, 1)
		if err := mongo.Fold(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if done, err := mongo.Correct(t.Context(), s, "ghost", 0); done != first || err != nil {
			t.Errorf("done: %t, error %v", done, err)
		}
	}
	counts, err := s.Counts(t.Context())
	if err != nil || len(counts) != 2 || counts[0] != (store.QueueCounts{Queue: "ghost", Created: 1}) || counts[1].Created != 2 {
		t.Errorf("counts are %+v, error %v", counts, err)
	}
}

// Claims of two processes on one queue lease each task once, and all of them.
func TestTwoProcessesClaim(t *testing.T) {
	s := newShelf(t, servers.MongoDB(t))
	const many, claims = 1000, 8
	insert(t, s.Store, many)
	var mu sync.Mutex
	leased := map[int64]int{}
	var all sync.WaitGroup
	began := time.Now()
	for i := range claims {
		one := s.Store
		if i%2 == 1 {
			one = openStore(t, s.db)
		}
		all.Go(func() {
			for {
				tasks, err := one.ClaimDue(t.Context(), newClaim(30))
				mu.Lock()
				for i := range tasks {
					leased[tasks[i].ID]++
				}
				done := len(leased) == many
				mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if done || err != nil || time.Since(began) > patience {
					return
				}
			}
		})
	}
	all.Wait()
	for id, n := range leased {
		if n != 1 {
			t.Errorf("task %d was leased %d times", id, n)
		}
	}
	expectCounts(t, s.Store, store.QueueCounts{Running: many})
}
