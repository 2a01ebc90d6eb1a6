package mongo_test

import (
	"sync"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// claimAll claims until there is nothing left.
func claimAll(tb testing.TB, s *mongo.Store, limit int) (all []store.Task) {
	tb.Helper()
	for {
		tasks, err := s.ClaimDue(tb.Context(), newClaim(limit))
		if err != nil {
			tb.Fatal(err)
		}
		if len(tasks) == 0 {
			return all
		}
		all = append(all, tasks...)
	}
}

// A crowd of stores claims each task once, and none of them finds nothing while there is something.
func TestCrowdClaimsAll(t *testing.T) {
	const stores, tasks = 4, 800
	server := servers.MongoDB(t)
	first, db := freshOn(t, server)
	insert(t, first, tasks)
	var mu sync.Mutex
	won := map[int64]int{}
	var wg sync.WaitGroup
	for range stores {
		s := openStore(t, connect(t, server.URL(), db.Name()))
		mongo.Crowd(s, 2)
		wg.Go(func() {
			claimed := claimAll(t, s, 30)
			mu.Lock()
			defer mu.Unlock()
			for i := range claimed {
				won[claimed[i].ID]++
			}
		})
	}
	wg.Wait()
	if rest := claimAll(t, first, tasks); len(rest) > 0 { // of those who lost, the last claims may have won nothing
		for i := range rest {
			won[rest[i].ID]++
		}
	}
	for id, n := range won {
		if n != 1 {
			t.Errorf("task %d was claimed %d times", id, n)
		}
	}
	if len(won) != tasks {
		t.Errorf("%d tasks of %d were claimed", len(won), tasks)
	}
	expectCounts(t, first, store.QueueCounts{Running: tasks})
}

// A claim that believes in a crowd keeps to a share, in order, as long as there is enough in it.
func TestCrowdKeepsToAShare(t *testing.T) {
	s, _ := fresh(t)
	insert(t, s, 400)
	mongo.Crowd(s, 2)
	tasks := claim(t, s, 50)
	rest := tasks[0].ID % 4
	for i := range tasks {
		if tasks[i].ID%4 != rest {
			t.Errorf("it took task %d along with task %d", tasks[i].ID, tasks[0].ID)
		}
		if i > 0 && tasks[i].ID-tasks[i-1].ID != 4 {
			t.Errorf("task %d comes after task %d", tasks[i].ID, tasks[i-1].ID)
		}
	}
}

// No share hides the last tasks, and a worker that is by itself finds out.
func TestThinShares(t *testing.T) {
	s, _ := fresh(t)
	insert(t, s, 10)
	mongo.Crowd(s, 5)
	claim(t, s, 10)
	for n := 0; mongo.Level(s) > 0; n++ {
		if n == 100 {
			t.Fatal("it still believes in a crowd")
		}
		insert(t, s, 1)
		claim(t, s, 1)
	}
}

// Tasks that are more urgent than the others are in all shares.
func TestUrgentTasksAreInAllShares(t *testing.T) {
	server := servers.MongoDB(t)
	s, db := freshOn(t, server)
	insert(t, s, 400)
	mongo.Crowd(s, 2)
	claim(t, s, 20)
	another := openStore(t, connect(t, server.URL(), db.Name()))
	urgent := newTasks(8)
	for i := range urgent {
		urgent[i].Priority = 2
	}
	if _, err := another.Insert(t.Context(), urgent); err != nil {
		t.Fatal(err)
	}
	insert(t, s, 1) // has it look again at once
	tasks := claim(t, s, 20)
	for i := range urgent {
		if tasks[i].ID != urgent[i].ID {
			t.Errorf("task %d comes at place %d, want the urgent task %d", tasks[i].ID, i, urgent[i].ID)
		}
	}
}
