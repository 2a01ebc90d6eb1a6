package firefly

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A Worker claims due tasks of the names that it has handlers for, and runs them. Any number of
// workers, in any number of processes, may serve the same queues.
type Worker struct {
	store      store.Store
	config     WorkerConfig
	handlers   map[string]*handler // by name and alias
	names      []string
	codecs     codecs
	extender   store.Extender // nil if the store has none
	quarantine *quarantine
	settler    settler

	ran      atomic.Bool
	stopping context.Context // Run's: when it ends, nothing new is begun
	base     context.Context // of all runs and calls: with the values of Run's, but without end
	hinted   chan struct{}   // there may be work
	freed    chan struct{}   // there is something to claim for, or nothing left to wait for

	mu      sync.Mutex
	leases  map[store.LeaseID]*lease
	buffer  buffer     // claimed tasks that wait for a runner
	work    *sync.Cond // there is something in the buffer, or closing
	closing bool       // no task is begun any more
	runners int        // goroutines
	running int        // tasks that take up a slot
	held    int        // tasks that are not settled, running or not
	pace    pace
}

// A handler is a registration as one worker runs it.
type handler struct {
	settings *settings
	run      HandlerFunc // through all middleware
}

// NewWorker returns a worker on s. The error names every fault of the configuration and of the
// handlers' declarations.
func NewWorker(s store.Store, cfg WorkerConfig, handlers ...Handler) (*Worker, error) {
	faults := cfg.complete()
	if s == nil {
		faults = append(faults, errors.New("the store is nil"))
	}
	faults = append(faults, cfg.Retention.check(s)...)
	w := &Worker{
		store: s, config: cfg, codecs: newCodecs(cfg.Codecs...), quarantine: &processQuarantine,
		handlers: map[string]*handler{}, leases: map[store.LeaseID]*lease{},
		hinted: make(chan struct{}, 1), freed: make(chan struct{}, 1),
	}
	if s != nil {
		w.extender, _ = store.As[store.Extender](s)
	}
	w.settler.worker = w
	w.work = sync.NewCond(&w.mu)
	faults = append(faults, w.register(handlers)...)
	if err := store.Invalid("worker", faults...); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Worker) register(handlers []Handler) (faults []error) {
	if len(handlers) == 0 {
		faults = append(faults, errors.New("there are no handlers"))
	}
	for _, h := range handlers {
		if h == nil || h.registration() == nil {
			faults = append(faults, errors.New("a handler is nil"))
			continue
		}
		r := h.registration()
		if r.call == nil {
			faults = append(faults, faultOf(r, "its function is nil"))
		}
		if r.spec.fault != nil {
			faults = append(faults, r.spec.fault)
		}
		ready := &handler{settings: &r.spec.declared, run: w.wrap(r)}
		for _, name := range append([]string{r.spec.name}, r.spec.declared.aliases...) {
			if w.handlers[name] != nil {
				faults = append(faults, faultOf(r, "the name "+name+" is registered twice"))
				continue
			}
			w.handlers[name] = ready
			w.names = append(w.names, name)
		}
	}
	return faults
}

func faultOf(r *registration, what string) error {
	return errors.New("handler of " + r.spec.name + ": " + what)
}

// Run works until ctx ends, then stops claiming, gives running handlers the grace period, then
// cancels them, gives back what did not finish, and returns nil when every task is settled or
// given back. A handler that goes on all the same is left behind; what it does then counts for
// nothing. Run returns an error if the store refuses to work at all: it is closed, for one.
// Trouble that may pass is reported and waited for. A worker runs once.
func (w *Worker) Run(ctx context.Context) error {
	if !w.ran.CompareAndSwap(false, true) {
		return errors.New("firefly: the worker has been run before: make a new one")
	}
	w.stopping, w.base = ctx, context.WithoutCancel(ctx)
	background, stop := context.WithCancel(w.base)
	var helpers sync.WaitGroup
	helpers.Go(func() { w.listen(background) })
	helpers.Go(func() { w.heartbeat(background) })
	claiming, stopClaiming := context.WithCancel(ctx)
	helpers.Go(func() { w.retain(claiming) })

	err := w.claimUntil(ctx)
	stopClaiming()
	w.drain()

	stop()
	helpers.Wait()
	return err
}

// afterCancel is how long a cancelled handler has to return.
const afterCancel = 5 * time.Second

// drain waits for the running handlers, first patiently, then cancelling them, and then takes
// their tasks from those that do not listen.
func (w *Worker) drain() {
	w.closeRunners()
	idle := func() bool { return w.running == 0 }
	if !w.until(idle, w.config.ShutdownGrace) {
		w.cancelAll(ErrShutdown)
		if !w.until(idle, afterCancel) {
			w.settler.submit(w.abandonAll()...)
		}
	}
	w.until(func() bool { return w.held == 0 }, forever)
}

const forever = time.Duration(1<<63 - 1)

// until waits for cond, which it calls with w.mu held, to become true; at most for d.
func (w *Worker) until(cond func() bool, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		w.mu.Lock()
		ok := cond()
		w.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-w.freed:
		case <-timer.C:
			return false
		}
	}
}

// cancelAll ends the contexts of all runs.
func (w *Worker) cancelAll(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.leases {
		l.cancel(cause)
	}
}

// abandonAll takes all running tasks from their handlers, to be released.
func (w *Worker) abandonAll() []settlement {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []settlement
	for _, l := range w.leases {
		for _, r := range l.runs {
			if !r.ended {
				r.ended = true
				w.running--
				all = append(all, settlement{run: r, verdict: verdict{outcome: Released, err: ErrShutdown}})
			}
		}
	}
	slices.SortFunc(all, func(a, b settlement) int { return int(a.run.task.ID - b.run.task.ID) })
	return all
}

// signal wakes the one who listens on c, now or when it next does.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
