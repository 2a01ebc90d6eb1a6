package firefly

// InOwnProcess makes the worker's quarantine its own, as if it had a process to itself.
func (w *Worker) InOwnProcess() *Worker {
	w.quarantine = new(quarantine)
	return w
}

// Doubled is the formula behind Exponential, without its jitter.
var Doubled = doubled

// Gather waits as after a shared insert of n callers, none of whom comes back.
func Gather(n int) { (&inserter{}).gather(n) }
