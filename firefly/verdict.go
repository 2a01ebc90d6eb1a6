package firefly

import (
	"context"
	"errors"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A verdict is what a run came to, for the store to be told.
type verdict struct {
	outcome  Outcome
	returned []byte        // of Completed
	after    time.Duration // of Retried and Snoozed
	err      error
	settled  bool // the store knows already
	doubt    bool // a transaction's commit is unknown; releasing the task finds out
}

// judge says what the error of a run means for its task. A run that was cut short by the worker
// itself is no failure, unless the handler said so in so many words.
func (r *run) judge(err error) verdict {
	var (
		snooze *snoozeError
		cancel *cancelError
		perm   *permanentError
	)
	cause := context.Cause(r.ctx)
	switch {
	case errors.As(err, &cancel):
		return verdict{outcome: Cancelled, err: cancel.err}
	case errors.Is(cause, ErrCancelled):
		return verdict{outcome: Cancelled, err: err}
	case errors.As(err, &snooze):
		return verdict{outcome: Snoozed, after: clampDelay(snooze.after)}
	case errors.As(err, &perm):
		return verdict{outcome: Failed, err: err}
	case errors.Is(cause, ErrShutdown), errors.Is(cause, store.ErrLeaseLost):
		return verdict{outcome: Released, err: cause}
	case r.task.Retries < r.task.MaxRetries:
		return verdict{outcome: Retried, after: r.handler.settings.delayAfter(&r.task), err: err}
	default:
		return verdict{outcome: Failed, err: err}
	}
}
