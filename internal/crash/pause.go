package crash

import (
	"fmt"
	"os"
	"strings"

	"github.com/fireflytasks/go-firefly/firefly"
)

// pauseWorkers pauses one worker after the other, in each of four ways in turn.
func (h *harness) pauseWorkers(pauses int) {
	h.Helper()
	ended := map[string]int{}
	for i := range pauses {
		point := Paused
		if i%2 == 1 {
			point = Trusting
		}
		ended[h.pauseWorker(point, i%4 < 2)]++
	}
	where := "a handler's transaction"
	if h.effects == nil {
		where = "a handler"
	}
	h.Logf("crash: %d workers paused in %s for longer than their lease; their runs ended as %v", pauses, where, ended)
}

// pauseWorker stops a worker in a handler's transaction until another has begun to run the same
// task, or is even done with it, and lets it go on then. It returns how that run of the first
// worker ended.
func (h *harness) pauseWorker(point Failpoint, done bool) (outcome string) {
	h.Helper()
	h.schedule(2) // only one has a transaction, so that it pauses even if it has to run alone
	late := h.start(point)
	task := h.awaitPaused(late)
	h.send(late, stopSignal)
	other := h.start(Paused)
	h.awaitPaused(other) // in the same task: there is no other
	if done {
		h.send(other, goOnSignal)
		h.finish(0)
	}
	h.send(late, goOnSignal)
	outcome = h.awaitEnd(late, task)
	late.kill()
	h.send(other, goOnSignal)
	h.finish(0)
	h.dismiss([]*process{other})
	return outcome
}

func (h *harness) send(worker *process, s os.Signal) {
	h.Helper()
	if err := worker.Process.Signal(s); err != nil {
		h.Fatal(err)
	}
}

// awaitPaused waits until a worker is in a handler's transaction, after its first write, and
// returns the task.
func (h *harness) awaitPaused(worker *process) (task string) {
	h.Helper()
	h.await("a worker is in a transaction", patience, func() bool {
		for _, id := range h.lines(fmt.Sprintf("%s%d ", pauseLine, worker.Process.Pid)) {
			task = id
		}
		return task != ""
	})
	return task
}

// awaitEnd waits until a worker that comes too late knows how its run of a task ended.
func (h *harness) awaitEnd(late *process, task string) (outcome string) {
	h.Helper()
	h.await("a worker that was paused knows how its run ended", patience, func() bool {
		for _, end := range h.lines(fmt.Sprintf("%s%d %s ", endLine, late.Process.Pid, task)) {
			outcome = strings.Fields(end)[0]
		}
		return outcome != ""
	})
	if outcome == string(firefly.Completed) {
		h.Errorf("a worker that was paused for longer than its lease completed task %s", task)
	}
	return outcome
}
