package firefly

// InOwnProcess makes the worker's quarantine its own, as if it had a process to itself.
func (w *Worker) InOwnProcess() *Worker {
	w.quarantine = new(quarantine)
	return w
}

// Doubled is the formula behind Exponential, without its jitter.
var Doubled = doubled
