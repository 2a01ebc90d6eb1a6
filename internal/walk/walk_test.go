package walk_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/walk"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
	"github.com/fireflytasks/go-firefly/storetest"
)

// inMemory is a harness for the memory store, as wrapped.
func inMemory(wrap func(s *memory.Store) store.Store) storetest.Harness {
	var offset atomic.Int64
	return storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			s := memory.New(memory.Clock(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }))
			tb.Cleanup(func() { _ = s.Close() })
			return wrap(s)
		},
		Advance: func(d time.Duration) { offset.Add(int64(d)) },
	}
}

// forgetful counts no retries.
type forgetful struct{ store.Full }

func (f forgetful) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	for i := range again {
		if again[i].Kind == store.Retry {
			again[i].Kind = store.Snooze
		}
	}
	return f.Full.Reschedule(ctx, again)
}

// A failing is a test that is to fail.
type failing struct {
	testing.TB

	failed bool
	log    strings.Builder
}

func (f *failing) Helper()                           {}
func (f *failing) Failed() bool                      { return f.failed }
func (f *failing) Logf(format string, args ...any)   { fmt.Fprintf(&f.log, format+"\n", args...) }
func (f *failing) Log(args ...any)                   { fmt.Fprintln(&f.log, args...) }
func (f *failing) Errorf(format string, args ...any) { f.failed = true; f.Logf(format, args...) }
func (f *failing) FailNow()                          { f.failed = true; runtime.Goexit() }

// A walk that goes wrong is shrunk to what it takes: to store a task, to claim it, and to give it back.
func TestShrinks(t *testing.T) {
	f := &failing{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		walk.Check(f, inMemory(func(s *memory.Store) store.Store { return forgetful{s} }), 50)
	}()
	<-done
	program := f.log.String()
	program = program[max(0, strings.LastIndex(program, "func TestSteps")):]
	steps := strings.Count(program, "{Call: ")
	if !f.failed || steps != 3 || !strings.Contains(program, `{Call: "claim"`) || !strings.Contains(program, `{Call: "reschedule"`) {
		t.Errorf("failed: %t; %d steps, want 3:\n%s", f.failed, steps, f.log.String())
	}
}
