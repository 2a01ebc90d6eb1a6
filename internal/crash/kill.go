package crash

import "time"

// Kills is how many workers are killed where.
type Kills map[Failpoint]int

// Minimum is what a store has to survive at least.
func Minimum() Kills {
	return Kills{Claimed: 10, Running: 10, InTx: 15, Staged: 10, Settling: 10, Committing: 10, Random: 10}
}

// MinimumWithoutTx is Minimum for a store without transactions. A handler's commit is then the
// completion of a parent with its child.
func MinimumWithoutTx() Kills {
	kills := Minimum()
	delete(kills, InTx)
	return kills
}

// killWorkers sees workers killed, and lets one more do what they left.
func (h *harness) killWorkers(kills Kills) {
	h.Helper()
	total := 0
	for _, point := range []Failpoint{Claimed, Running, InTx, Staged, Settling, Committing, Random} {
		for range kills[point] {
			h.schedule(tasksPerKill)
			h.killWorker(point)
			total++
		}
	}
	h.finish(1)
	starts, tasks := h.count(startLine), len(h.known.all())
	h.Logf("crash: %d workers killed: %v; %d runs of %d tasks begun", total, kills, starts, tasks)
	if starts <= tasks {
		h.Error("nothing was interrupted")
	}
}

// killWorker starts a worker and sees it killed while it holds tasks.
func (h *harness) killWorker(point Failpoint) {
	h.Helper()
	sent := h.count(sentLine)
	for range 50 { // a worker may be killed too late, when it holds nothing any more: then another
		worker := h.start(point)
		if point == Random {
			h.await("a worker claims something", patience, func() bool { return h.running() > 0 })
			<-time.After(time.Duration(len(h.known.all())*37%50) * time.Millisecond)
			worker.kill()
		}
		select {
		case <-worker.ended:
		case <-time.After(patience):
			worker.kill()
			h.Fatalf("a worker did not get to the point %q within %s", point, patience)
		}
		if status := worker.ProcessState; status.Exited() {
			h.Fatalf("a worker ended by itself: %s", status)
		}
		switch point {
		case Settling, Committing:
			if h.count(sentLine) > sent {
				return
			}
		default:
			if h.running() > 0 {
				return
			}
		}
	}
	h.Fatalf("no worker was killed at %q while it held a task", point)
}
