package cli

import (
	"context"
	"sync"

	"github.com/fireflytasks/go-firefly/firefly"
)

// A tally logs how tasks begin and end, and counts them.
type tally struct {
	mu    sync.Mutex
	ended map[firefly.Outcome]int
}

// hooks returns hooks that also call the application's.
func (t *tally) hooks(own firefly.Hooks) firefly.Hooks {
	h := own
	h.Started = func(ctx context.Context, info firefly.Info) {
		info.Logger().Info("firefly: task started", "queue", info.Task.Queue)
		if own.Started != nil {
			own.Started(ctx, info)
		}
	}
	h.Ended = func(info firefly.Info, end firefly.End) {
		t.count(info, end)
		if own.Ended != nil {
			own.Ended(info, end)
		}
	}
	return h
}

func (t *tally) count(info firefly.Info, end firefly.End) {
	t.mu.Lock()
	if t.ended == nil {
		t.ended = map[firefly.Outcome]int{}
	}
	t.ended[end.Outcome]++
	t.mu.Unlock()
	switch end.Outcome {
	case firefly.Failed, firefly.Lost: // the worker logs these
	case firefly.Retried:
		info.Logger().Warn("firefly: task failed, and will be tried again", "took", end.Took, "error", end.Err)
	case firefly.Unknown:
		info.Logger().Warn("firefly: how the task ended is unknown", "took", end.Took, "error", end.Err)
	default:
		info.Logger().Info("firefly: task "+string(end.Outcome), "took", end.Took)
	}
}

// counts returns what ended how, for a log: all of the usual outcomes, and what there was of others.
func (t *tally) counts() []any {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := []any{}
	for _, o := range []firefly.Outcome{firefly.Completed, firefly.Retried, firefly.Failed} {
		counts = append(counts, string(o), t.ended[o])
	}
	for _, o := range []firefly.Outcome{firefly.Cancelled, firefly.Snoozed, firefly.Released, firefly.Lost, firefly.Unknown} {
		if n := t.ended[o]; n > 0 {
			counts = append(counts, string(o), n)
		}
	}
	return counts
}
