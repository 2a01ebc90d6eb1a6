package firefly

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A run is a claimed task on its way to a verdict.
type run struct {
	worker  *Worker
	task    store.Task
	lease   *lease
	handler *handler
	ctx     context.Context
	cancel  context.CancelCauseFunc
	claimed time.Time
	first   attempt // the first of as many as it takes
	took    time.Duration
	ended   bool // guarded by the worker's mutex: has a verdict, and no slot any more
}

func (r *run) init(w *Worker, t *store.Task, l *lease, claimed time.Time) {
	r.worker, r.task, r.lease, r.handler, r.claimed = w, *t, l, w.handlers[t.Name], claimed
	r.ctx, r.cancel = context.WithCancelCause(w.base)
}

func (r *run) info() Info {
	return Info{Task: r.task, Attempt: r.task.Attempt(), Worker: r.worker.config.Name, logger: r.worker.config.Logger}
}

// wrap turns a registration into a function of its own codec and all middleware.
func (w *Worker) wrap(r *registration) HandlerFunc {
	run := HandlerFunc(func(ctx context.Context, t *store.Task) ([]byte, error) {
		codec, err := w.codecs.named(t.Encoding)
		if err != nil {
			return nil, Permanent(err)
		}
		return r.call(ctx, codec, t.Params)
	})
	for _, m := range slices.Backward(w.config.Middleware) {
		run = m(run)
	}
	return run
}

// run runs one task and hands its verdict on, also that of a handler that ends its own
// goroutine.
func (w *Worker) run(r *run) {
	v := verdict{}
	defer func() {
		if v.outcome == "" {
			v = r.judge(errGoexit)
		}
		w.conclude(r, v)
	}()
	v = w.verdictOf(r)
}

func (w *Worker) conclude(r *run, v verdict) {
	w.mu.Lock()
	abandoned := r.ended
	if !abandoned {
		r.ended = true
		w.running--
		w.pace.note(r.took)
		w.tell()
	}
	w.mu.Unlock()
	switch {
	case abandoned:
	case v.settled:
		w.ended(r, v.outcome, v.err)
		w.drop(r)
	default:
		w.settler.submit(settlement{run: r, verdict: v})
	}
}

func (w *Worker) verdictOf(r *run) verdict {
	switch crashes := r.task.Crashes; {
	case r.ctx.Err() != nil:
		return r.judge(context.Cause(r.ctx))
	case r.handler == nil:
		return verdict{outcome: Released, err: errors.New("the store returned a task of a name that was not asked for")}
	case crashes > r.handler.settings.maxCrashes:
		return verdict{outcome: Failed, err: fmt.Errorf("not run again: %d of its runs ended with a crash or a lost lease", crashes)}
	case isSuspect(&r.task):
		return w.runAlone(r)
	default:
		return w.runTask(r)
	}
}

// runAlone runs a suspect once its process holds nothing else. Waiting for that stops all
// claims, so it has an end; a worker that shuts down starts none.
func (w *Worker) runAlone(r *run) verdict {
	if !w.quarantine.isolate() {
		return verdict{outcome: Released}
	}
	defer w.quarantine.pass()
	patience, cancel := context.WithTimeout(r.ctx, w.config.Lease)
	defer cancel()
	defer context.AfterFunc(w.stopping, cancel)()
	alone := w.quarantine.alone(patience)
	switch {
	case r.ctx.Err() != nil:
		return r.judge(context.Cause(r.ctx))
	case w.stopping.Err() != nil:
		return verdict{outcome: Released, err: ErrShutdown}
	case !alone:
		return verdict{outcome: Snoozed, after: w.config.Lease}
	}
	return w.runTask(r)
}

// freeConflicts is how often a run whose transaction ran into another one is done again at no
// cost, at once.
const freeConflicts = 10

func (w *Worker) runTask(r *run) verdict {
	if hook := w.config.Hooks.Started; hook != nil {
		hook(r.ctx, r.info())
	}
	began := time.Now()
	defer func() { r.took = time.Since(began) }()
	for conflicts := 0; ; conflicts++ {
		v := w.runOnce(r)
		if conflicts == freeConflicts || !errors.Is(v.err, store.ErrConflict) || v.settled || r.ctx.Err() != nil {
			return v
		}
		_ = newPause(time.Millisecond+rand.N(20*time.Millisecond<<min(conflicts, 5)), time.Minute).wait(r.ctx)
	}
}

// runOnce calls the handler, and if it went well, commits what it left in its attempt.
func (w *Worker) runOnce(r *run) verdict {
	a := newAttempt(r)
	ctx := context.Context(a)
	defer func() {
		if tx, _, _ := a.end(); tx != nil {
			_ = tx.Rollback(context.WithoutCancel(r.ctx)) // nothing to undo once it was committed
		}
	}()
	if d := r.task.Timeout; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, ErrTimeout)
		defer cancel()
	}
	returned, err := r.call(ctx)
	if err != nil && errors.Is(context.Cause(ctx), ErrTimeout) && !errors.Is(err, ErrTimeout) {
		err = fmt.Errorf("%w (%w)", err, ErrTimeout)
	}
	if err != nil {
		return r.judge(a.conflicted(err))
	}
	return w.commit(r, a, returned)
}

// call calls the handler and turns a panic into an error.
func (r *run) call(ctx context.Context) (returned []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	returned, err = r.handler.run(ctx, &r.task)
	if most := r.worker.config.MaxReturned; err == nil && len(returned) > most {
		err = Permanent(fmt.Errorf("the result of %d bytes is %w: the worker's limit is %d bytes", len(returned), store.ErrTooLarge, most))
	}
	return returned, err
}
