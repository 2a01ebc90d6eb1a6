package firefly

import "time"

// enqueue puts claimed tasks into the buffer, for runners to take.
func (w *Worker) enqueue(runs []run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range runs {
		w.buffer.put(&runs[i])
		w.work.Signal()
	}
	w.engage()
	if w.buffer.Len() > w.runners-w.running {
		time.AfterFunc(stale+time.Millisecond, w.releaseStale)
	}
}

// engage starts runners for what waits in the buffer, as long as there are slots. The worker's
// mutex is held.
func (w *Worker) engage() {
	for w.runners < w.config.Concurrency && w.runners-w.running < w.buffer.Len() {
		w.runners++
		go w.runner()
	}
}

// runner runs one task after the other, on one goroutine: one of as many as there are slots. It
// ends with the worker, or with a handler that ends its goroutine; then another takes its place.
func (w *Worker) runner() {
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.runners--
		w.engage()
	}()
	for r := w.next(); r != nil; r = w.next() {
		w.run(r)
	}
}

// next waits for a task to run; nil when there will be none any more.
func (w *Worker) next() *run {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.buffer.Len() == 0 {
		if w.closing {
			return nil
		}
		w.work.Wait()
	}
	w.running++
	return w.buffer.take()
}

// releaseStale gives back what has waited in the buffer for too long.
func (w *Worker) releaseStale() { w.releaseBefore(time.Now().Add(-stale)) }

// releaseBefore gives back what was claimed before t and waits in the buffer, but none of its
// neighbours that run.
func (w *Worker) releaseBefore(t time.Time) {
	w.mu.Lock()
	old := w.buffer.takeBefore(t)
	if len(old) > 0 {
		w.pace = pace{} // it was misjudged
	}
	all := make([]settlement, len(old))
	for i, r := range old {
		r.ended = true
		all[i] = settlement{run: r, verdict: verdict{outcome: Released}}
	}
	w.mu.Unlock()
	w.settler.submit(all...)
}

// closeRunners empties the buffer and lets the runners end when they have nothing to do.
func (w *Worker) closeRunners() {
	w.mu.Lock()
	w.closing = true
	w.work.Broadcast()
	w.mu.Unlock()
	w.releaseBefore(time.Now().Add(time.Hour))
}
