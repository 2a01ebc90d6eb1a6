package firefly

import (
	"errors"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// What a handler's context ended for, as [context.Cause] tells it. [store.ErrLeaseLost] is
// the fourth.
var (
	// ErrTimeout: the run took longer than the task's [Timeout].
	ErrTimeout = errors.New("firefly: the run took longer than its timeout")
	// ErrCancelled: somebody cancelled the task. It also matches the error of a handler that
	// returned [Cancel], and the [TaskError] of a cancelled task.
	ErrCancelled = errors.New("firefly: the task was cancelled")
	// ErrShutdown: the worker stops and its grace period is over.
	ErrShutdown = errors.New("firefly: the worker is shutting down")
)

// Errors of [Handle].
var (
	// ErrNotFinished: the task has no result yet.
	ErrNotFinished = errors.New("firefly: the task is not finished")
	// ErrUncommitted: the task was staged by a handler that has not completed, so it does not
	// exist, and may never.
	ErrUncommitted = errors.New("firefly: the task is not stored before the handler that scheduled it completes")
)

// ErrUnknownOutcome matches an [UnknownOutcomeError].
var ErrUnknownOutcome = errors.New("firefly: the outcome is unknown")

// An UnknownOutcomeError says that tasks may have been stored or not: the store did not answer,
// even when asked again. Scheduling the same [Call] again stores it once at most.
type UnknownOutcomeError struct {
	IDs []int64 // of the tasks; zero where the store has not given one yet
	Err error   // of the last try
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("the outcome for tasks %v is unknown: %v", e.IDs, e.Err)
}

// Unwrap returns Err.
func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// Is makes the error match [ErrUnknownOutcome].
func (e *UnknownOutcomeError) Is(target error) bool { return target == ErrUnknownOutcome }

// A TaskError is what [Handle.Wait] returns for a task that did not complete.
type TaskError struct {
	ID       int64
	Name     string
	Status   store.Status // store.Failed or store.Cancelled
	Attempts int          // how often it ran
	Last     string       // the last run's error; empty if there is none
}

func (e *TaskError) Error() string {
	s := fmt.Sprintf("firefly: task %d (%s) %s after %d attempts", e.ID, e.Name, e.Status, e.Attempts)
	if e.Last != "" {
		s += ": " + e.Last
	}
	return s
}

// Is makes a cancelled task's error match [ErrCancelled].
func (e *TaskError) Is(target error) bool {
	return target == ErrCancelled && e.Status == store.Cancelled
}

// A PanicError is what a run failed with whose handler panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is what a run failed with whose handler ended its goroutine.
var errGoexit = errors.New("the handler called runtime.Goexit")

// Permanent marks a handler's error as one that no retry will cure: the task fails at once.
// The mark survives wrapping. Permanent of nil is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Snooze, returned by a handler, ends the run without a verdict: the task is due again d from
// now, and no retry is counted. A negative d is now.
func Snooze(d time.Duration) error { return &snoozeError{d} }

type snoozeError struct{ after time.Duration }

func (e *snoozeError) Error() string { return "snoozed for " + e.after.String() }

// Cancel, returned by a handler, ends the task as cancelled, with err, which may be nil, in its
// history.
func Cancel(err error) error { return &cancelError{err} }

type cancelError struct{ err error }

func (e *cancelError) Error() string {
	if e.err == nil {
		return ErrCancelled.Error()
	}
	return e.err.Error()
}

func (e *cancelError) Unwrap() error        { return e.err }
func (e *cancelError) Is(target error) bool { return target == ErrCancelled }
