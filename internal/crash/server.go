package crash

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

// A Server is one that a store is on, and that keeps what was committed when it is killed.
type Server interface {
	// Kill kills the server with SIGKILL.
	Kill(tb testing.TB)
	// Restart starts it again, with its data, and returns when it takes connections.
	Restart(tb testing.TB)
}

const (
	crew     = 3 // workers
	together = 3 // every third time a worker is killed with the server
)

// A scene is what was under way when the server was killed.
type scene struct {
	running int64 // tasks
	inserts int   // acknowledged in the second before
}

// killServer kills the server again and again under load.
func (h *harness) killServer(server Server, kills, inserts int) {
	h.Helper()
	workers := h.hire(crew)
	load := h.startLoad(4 * inserts)
	scenes, up := make([]scene, kills), make([]time.Time, kills+1)
	up[0] = time.Now()
	for i := range kills {
		scenes[i] = load.await(up[i], inserts)
		server.Kill(h.T)
		if i%together == 0 {
			workers[0].kill()
		}
		<-time.After(rand.N(3 * lease / 2)) // some leases outlive it, some do not
		server.Restart(h.T)
		up[i+1] = time.Now()
		if i%together == 0 {
			workers[0] = h.hire(1)[0]
		}
	}
	load.await(up[kills], inserts) // it works as before
	load.end()
	h.finish(0)
	h.dismiss(workers)

	running := slices.MinFunc(scenes, func(a, b scene) int { return int(a.running - b.running) }).running
	acknowledged := slices.MinFunc(scenes, func(a, b scene) int { return a.inserts - b.inserts }).inserts
	h.Logf("crash: the server killed %d times, each time with %d tasks running, and %d inserts acknowledged in the second before, at least",
		kills, running, acknowledged)
	h.Logf("crash: %d calls were in doubt, %d refused; %d runs of %d tasks begun",
		load.doubtful.Load(), load.refused.Load(), h.count(startLine), len(h.known.all()))
	gaps := h.recoveries(up[1:])
	h.Logf("crash: from the server's return to the first task completed: p50 %s, max %s", gaps[len(gaps)/2], gaps[len(gaps)-1])
}

// await waits for a moment, at random, at which there is load on a server that is up since then.
func (l *load) await(since time.Time, inserts int) (s scene) {
	l.Helper()
	moment := time.Now().Add(rand.N(time.Second))
	defer func() {
		if l.Failed() {
			l.Logf("the last error of a call: %s", l.trouble.Load())
		}
	}()
	l.harness.await("the server is under load", patience, func() bool {
		if s.inserts = l.known.within(time.Second); s.inserts < inserts || time.Now().Before(moment) {
			return false
		}
		s.running = l.running()
		_, works := l.recovery(since)
		return works && s.running >= crew
	})
	return s
}

// recoveries returns how long it took from each time until a task was completed, shortest first.
func (h *harness) recoveries(since []time.Time) []time.Duration {
	h.Helper()
	gaps := make([]time.Duration, len(since))
	for i, at := range since {
		gap, _ := h.recovery(at) // load.await has seen it
		gaps[i] = gap.Round(time.Millisecond)
	}
	slices.Sort(gaps)
	return gaps
}

// recovery returns how long it took from then until a task was completed, if one was.
func (h *harness) recovery(since time.Time) (shortest time.Duration, ok bool) {
	h.Helper()
	for _, line := range h.lines(endLine) {
		fields := strings.Fields(line)
		micros, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			h.Fatal(err)
		}
		took := time.UnixMicro(micros).Sub(since)
		if fields[2] == string(firefly.Completed) && took > 0 && (!ok || took < shortest) {
			shortest, ok = took, true
		}
	}
	return shortest, ok
}
