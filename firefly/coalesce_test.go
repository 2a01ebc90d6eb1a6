package firefly_test

import (
	"context"
	"errors"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// inGatedWorld runs a test in a world whose inserts are counted and wait until open is called.
func inGatedWorld(t *testing.T, test func(w *world, inserts func() int, open func())) {
	t.Helper()
	inWorld(t, func(w *world) {
		gate := make(chan struct{})
		inserts := make(chan int, 1)
		inserts <- 0
		w.store.before = func(call string) error {
			if call == "Insert" {
				inserts <- <-inserts + 1
				<-gate
			}
			return nil
		}
		count := func() int {
			synctest.Wait()
			n := <-inserts
			inserts <- n
			return n
		}
		test(w, count, func() { close(gate) })
	})
}

// later schedules a call on a goroutine of its own.
func (w *world) later(ctx context.Context, c *firefly.Client, call firefly.AnyCall) <-chan error {
	result := make(chan error, 1)
	go func() { result <- c.ScheduleMany(ctx, call) }()
	synctest.Wait()
	return result
}

func TestConcurrentSchedulesShareAnInsert(t *testing.T) {
	inGatedWorld(t, func(w *world, inserts func() int, open func()) {
		results := make([]<-chan error, 50)
		calls := make([]*firefly.Call[int], len(results))
		for i := range results {
			calls[i] = Add.Call(AddArgs{i, 0})
			results[i] = w.later(w.Context(), w.client, calls[i])
		}
		open()
		seen := map[int64]bool{}
		for i, result := range results {
			if err := <-result; err != nil {
				t.Fatal(err)
			}
			seen[calls[i].Handle().ID()] = true
		}
		if n := inserts(); n != 2 || len(seen) != len(results) {
			t.Errorf("%d inserts, %d tasks, want one insert for the first and one for the others", n, len(seen))
		}
	})
}

// A server is a store that says how many inserts it is good for at once.
type server struct {
	store.Store
	inserts int
}

func (s server) Unwrap() store.Store    { return s.Store }
func (s server) ConcurrentInserts() int { return s.inserts }

func TestSharedInsertsOverlap(t *testing.T) {
	for _, c := range []struct{ says, want int }{{-1, 1}, {0, 1}, {1, 1}, {2, 2}, {3, 3}} {
		t.Run(strconv.Itoa(c.says), func(t *testing.T) {
			inGatedWorld(t, func(w *world, inserts func() int, open func()) {
				client := newClient(t, server{w.store, c.says})
				results := make([]<-chan error, 10)
				for i := range results {
					results[i] = w.later(w.Context(), client, Add.Call(AddArgs{i, 0}))
				}
				if n := inserts(); n != c.want {
					t.Errorf("%d inserts are under way, want %d", n, c.want)
				}
				open()
				for _, result := range results {
					if err := <-result; err != nil {
						t.Fatal(err)
					}
				}
				if n := inserts(); n != c.want+1 {
					t.Errorf("%d inserts, want one more for those that gathered", n)
				}
			})
		})
	}
}

// Callers that come back at once share the next insert, all of them.
func TestReturningCallersShareAnInsert(t *testing.T) {
	const callers, rounds = 16, 50
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	inWorld(t, func(w *world) {
		var inserts atomic.Int64
		w.store.before = func(call string) error {
			if call == "Insert" {
				inserts.Add(1)
				<-time.After(time.Millisecond)
			}
			return nil
		}
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				for range rounds {
					if _, err := Add.Schedule(w.Context(), w.client, AddArgs{i, 0}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := inserts.Load(); n > rounds*3/2 {
			t.Errorf("%d inserts of %d tasks by %d callers, want about %d", n, callers*rounds, callers, rounds)
		}
		w.countIs(callers * rounds)
	})
}

// On busy processors the next insert does not wait turn after turn for callers who may not come back.
func TestGatheringEndsBesideBusyGoroutines(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	var turns atomic.Int64
	var over atomic.Bool
	var busy sync.WaitGroup
	busy.Go(func() {
		for ; !over.Load(); runtime.Gosched() {
			turns.Add(1)
			for began := time.Now(); time.Since(began) < time.Millisecond; { //nolint:revive // it is busy
			}
		}
	})
	firefly.Gather(1000)
	if n := turns.Load(); n > 10 {
		t.Errorf("a busy goroutine had %d turns of a millisecond meanwhile", n)
	}
	over.Store(true)
	busy.Wait()
}

// As many as would fill a shared insert wait for nobody, and nobody waits for them.
func TestManyGoAtOnce(t *testing.T) {
	inGatedWorld(t, func(w *world, inserts func() int, open func()) {
		first := w.later(w.Context(), w.client, Add.Call(AddArgs{1, 0}))
		many := make([]firefly.AnyCall, 10_001)
		for i := range many {
			many[i] = Add.Call(AddArgs{i, 0})
		}
		bulk := make(chan error, 1)
		go func() { bulk <- w.client.ScheduleMany(w.Context(), many...) }()
		if n := inserts(); n != 2 {
			t.Errorf("%d inserts are under way, want that of one and that of many", n)
		}
		open()
		if err := errors.Join(<-first, <-bulk); err != nil {
			t.Fatal(err)
		}
		if n := inserts(); n != 3 {
			t.Errorf("%d inserts, want one, and two for ten thousand and one", n)
		}
	})
}

func TestOneBadMemberFailsAlone(t *testing.T) {
	inGatedWorld(t, func(w *world, _ func() int, open func()) {
		spoiling, err := firefly.NewClient(w.store, firefly.ClientConfig{Middleware: []firefly.ClientMiddleware{
			func(next firefly.ScheduleFunc) firefly.ScheduleFunc {
				return func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
					if string(tasks[0].Params) == `{"A":3,"B":0}` {
						tasks[0].Priority = 9
					}
					return next(ctx, tasks)
				}
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		results := make([]<-chan error, 6)
		for i := range results {
			results[i] = w.later(w.Context(), spoiling, Add.Call(AddArgs{i, 0}))
		}
		open()
		for i, result := range results {
			err := <-result
			if bad := i == 3; errors.Is(err, store.ErrInvalid) != bad || (err != nil) != bad {
				t.Errorf("member %d: %v", i, err)
			}
		}
		w.countIs(5)
	})
}

func TestWholeBatchRefusedIsSentOneByOne(t *testing.T) {
	inWorld(t, func(w *world) {
		gate := make(chan struct{})
		inserts := 0
		w.store.before = func(call string) error {
			if call != "Insert" {
				return nil
			}
			if inserts++; inserts == 1 {
				<-gate
			}
			if inserts == 2 { // the shared one
				return store.Definite(errors.New("value out of range"))
			}
			return nil
		}
		var results []<-chan error
		for i := range 4 {
			results = append(results, w.later(w.Context(), w.client, Add.Call(AddArgs{i, 0})))
		}
		close(gate)
		for i, result := range results {
			if err := <-result; err != nil {
				t.Errorf("member %d: %v", i, err)
			}
		}
		w.countIs(4)
	})
}

func TestCancelledBeforeItIsSent(t *testing.T) {
	inGatedWorld(t, func(w *world, inserts func() int, open func()) {
		first := w.later(w.Context(), w.client, Add.Call(AddArgs{1, 0}))
		ctx, cancel := context.WithCancel(w.Context())
		waiting := w.later(ctx, w.client, Add.Call(AddArgs{2, 0})) // gathers behind the first
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) || errors.Is(err, firefly.ErrUnknownOutcome) {
			t.Errorf("a member that was not sent: %v", err)
		}
		open()
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		if n := inserts(); n != 1 {
			t.Errorf("%d inserts, want that of the first alone", n)
		}
		w.countIs(1)
	})
}

// A caller that goes away while its insert is under way does not know; the store does, and the
// same call scheduled again stands for the same task.
func TestCancelledInFlight(t *testing.T) {
	inWorld(t, func(w *world) {
		gates := []chan struct{}{make(chan struct{}), make(chan struct{})}
		next := 0
		w.store.before = func(call string) error {
			if call == "Insert" && next < len(gates) {
				gate := gates[next]
				next++
				<-gate
			}
			return nil
		}
		first := w.later(w.Context(), w.client, Add.Call(AddArgs{1, 0}))
		ctx, cancel := context.WithCancel(w.Context())
		call := Add.Call(AddArgs{2, 0})
		second := w.later(ctx, w.client, call)
		close(gates[0])
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the shared insert is at the second gate
		cancel()
		if err := <-second; !errors.Is(err, firefly.ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
			t.Errorf("a member that was sent: %v", err)
		}
		again := w.later(w.Context(), w.client, call)
		close(gates[1])
		if err := <-again; err != nil {
			t.Fatal(err)
		}
		w.countIs(2)
		if call.Handle().ID() == 0 {
			t.Error("the handle has no id")
		}
	})
}
