package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
)

// A process is a worker that was started.
type process struct {
	*exec.Cmd
	ended chan struct{} // closed when the worker has ended
}

func (h *harness) start(point Failpoint) *process {
	h.Helper()
	exe, err := h.exe, error(nil)
	if exe == "" {
		exe, err = os.Executable()
	}
	if err != nil {
		h.Fatal(err)
	}
	o := h.orders
	o.Point = point
	text, err := json.Marshal(o)
	if err != nil {
		h.Fatal(err)
	}
	worker := exec.CommandContext(h.Context(), exe)
	worker.Env = append(os.Environ(), envOrders+"="+string(text), fmt.Sprintf("%s=%.0f", envSkew, o.Skew.Seconds()))
	worker.Stderr = os.Stderr
	if _, err := worker.StdinPipe(); err != nil { // see Main: a worker does not outlive the test
		h.Fatal(err)
	}
	if err := worker.Start(); err != nil {
		h.Fatal(err)
	}
	p := &process{Cmd: worker, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = p.Wait()
	}()
	return p
}

// kill kills a worker, unless it has ended, and waits for its end.
func (p *process) kill() {
	_ = p.Process.Kill()
	<-p.ended
}

// hire starts workers that are not to die, and returns when they have opened their stores.
func (h *harness) hire(n int) []*process {
	h.Helper()
	workers := make([]*process, n)
	for i := range workers {
		workers[i] = h.start(Nowhere)
	}
	for _, worker := range workers {
		h.await("a worker opens its store", patience, func() bool {
			return slices.Contains(h.lines(readyLine), strconv.Itoa(worker.Process.Pid))
		})
	}
	return workers
}

// dismiss kills workers, none of which may have ended before.
func (h *harness) dismiss(workers []*process) {
	h.Helper()
	for _, worker := range workers {
		select {
		case <-worker.ended:
			h.Errorf("a worker ended by itself: %s", worker.ProcessState)
		default:
			worker.kill()
		}
	}
}
