package crash

import (
	"slices"
	"testing"

	"github.com/fireflytasks/go-firefly/firefly"
)

// Drain lets processes of several workers each share many tasks, and kills one of the processes when
// half of the tasks are done. It fails as [Test] does, and also if more was run again than the killed
// process had under way.
func Drain(t *testing.T, dsn string, open Opener, processes, workers, tasks int, opts ...Option) {
	t.Helper()
	withHarness(t, dsn, open, opts, func(h *harness) { h.drain(processes, workers, tasks) })
}

func (h *harness) drain(processes, workers, tasks int) {
	h.Helper()
	h.orders.Workers = workers
	h.scheduleMany(tasks)
	crew := h.hire(processes)
	h.await("half of the tasks are done", 3*patience, func() bool { return h.count(endLine) > tasks/2 })
	crew[0].kill()
	h.finish(0)
	h.dismiss(crew[1:])

	starts := h.lines(startLine) // a run whose transaction ran into another one begins again as the same attempt
	conflicts := len(starts)
	slices.Sort(starts)
	starts = slices.Compact(starts)
	conflicts -= len(starts)
	again, most := len(starts)-tasks, workers*slots
	h.Logf("crash: %d workers in %d processes, one of which was killed, drained %d tasks; %d ran again, and %d transactions conflicted",
		processes*workers, processes, tasks, again, conflicts)
	if again > most {
		h.Errorf("%d tasks ran again, and the process that was killed had %d slots", again, most)
	}
}

// scheduleMany adds tasks of both kinds, many at a time.
func (h *harness) scheduleMany(n int) {
	h.Helper()
	const batch = 1000
	for n > 0 {
		some := make([]*firefly.Call[firefly.None], min(n, batch))
		calls := make([]firefly.AnyCall, len(some))
		for i := range some {
			some[i] = plain.Call(firefly.None{})
			if i%2 == 0 {
				some[i] = parent.Call(firefly.None{})
			}
			calls[i] = some[i]
		}
		if err := h.client.ScheduleMany(h.Context(), calls...); err != nil {
			h.Fatal(err)
		}
		h.known.add(some...)
		n -= len(some)
	}
}
