package history

import (
	"fmt"

	"github.com/anishathalye/porcupine"

	"github.com/fireflytasks/go-firefly/store"
)

// An action is a kind of call.
type action string

const (
	insert     action = "insert"
	claim      action = "claim"
	complete   action = "complete"
	completeTx action = "complete in a transaction"
	fail       action = "fail"
	retry      action = "reschedule: retry"
	release    action = "reschedule: release"
	cancel     action = "cancel"
	revive     action = "retry"
	remove     action = "delete"
	postpone   action = "set due: later"
	hurry      action = "set due: now"
	get        action = "get"
)

// An input is a call.
type input struct {
	action action
	lease  int  // its number; zero if the call has none
	short  bool // a claim whose lease ends at once
}

// An output is what a call has answered about a task.
type output struct {
	doubt bool // it has not
	did   bool // it was applied: claimed, accepted, changed
	state view // of a claimed task, or one that was read
}

// A view is what can be seen of a task.
type view struct {
	status           store.Status // empty if there is none
	lease            int
	retries, crashes int
	flagged          bool
}

// A state is a task's.
type state struct {
	view

	later bool   // it is due when the history is over
	short bool   // its lease has ended already
	ended int    // the lease under which it was completed, failed or cancelled
	given bool   // back, and was therefore cancelled: whether a Fail repeats that is the store's affair
	held  uint64 // a bit for each lease that ever held it
}

// model is the contract, for one task. What is in doubt, and whether a claim takes back what an ended
// lease held, is left open.
var model = (&porcupine.NondeterministicModel{
	Init: func() []any { return []any{state{}} },
	Step: func(s, in, out any) []any {
		all := step(as[state](s), as[input](in), as[output](out))
		next := make([]any, len(all))
		for i := range all {
			next[i] = all[i]
		}
		return next
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v -> %+v", in, out) },
	DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
}).ToModel()

// as is what porcupine keeps without its type.
func as[T any](v any) T {
	t, _ := v.(T)
	return t
}

// step returns what a task may be after a call with that answer; nothing, if it cannot be.
func step(s state, in input, out output) []state {
	if in.action == claim {
		return claimed(s, in, out)
	}
	after, did := apply(s, in)
	switch {
	case out.doubt:
		return []state{s, after}
	case in.action == get && out.state != s.view:
		return nil
	case in.action == cancel && s.flagged: // it may count again what was asked for before
		return []state{s}
	case in.action == fail && s.given && s.ended == in.lease:
		return []state{s}
	case out.did != did:
		return nil
	}
	return []state{after}
}

// apply makes a call that is no claim, and reports whether it does anything.
func apply(s state, in input) (after state, did bool) {
	holds := s.status == store.Running && s.lease == in.lease
	switch in.action {
	case insert:
		if s.status == "" {
			s = state{view: view{status: store.Created}, held: s.held}
		}
		return s, true
	case complete:
		if s.status == store.Completed && s.ended == in.lease {
			return s, true
		}
		return s.endIf(holds, store.Completed), holds
	case completeTx:
		return s.endIf(holds, store.Completed), holds
	case fail:
		if (s.status == store.Failed || s.status == store.Cancelled) && s.ended == in.lease {
			return s, true
		}
		return s.endIf(holds, s.or(store.Failed)), holds
	case retry, release:
		return s.againIf(holds, in.action == retry), holds
	case cancel:
		return s.cancel()
	case revive:
		if s.status != store.Failed && s.status != store.Cancelled {
			return s, false
		}
		return state{view: view{status: store.Created}, held: s.held}, true
	case postpone, hurry:
		if s.status != store.Created {
			return s, false
		}
		s.later = in.action == postpone
		return s, true
	case remove:
		if s.status == "" || s.status == store.Running {
			return s, false
		}
		return state{held: s.held}, true
	default: // it reads
		return s, true
	}
}

func (s state) cancel() (after state, did bool) {
	switch s.status {
	case store.Created:
		return s.endIf(true, store.Cancelled), true
	case store.Running:
		s.flagged = true
		return s, true
	default:
		return s, false
	}
}

// or is how a task ends, and what becomes of one whose cancellation was asked for.
func (s state) or(status store.Status) store.Status {
	if s.flagged {
		return store.Cancelled
	}
	return status
}

func (s state) endIf(holds bool, status store.Status) state {
	if !holds {
		return s
	}
	s.ended, s.lease, s.status, s.later, s.short, s.flagged = s.lease, 0, status, false, false, false
	return s
}

// againIf gives a task back, if the lease holds it.
func (s state) againIf(holds, counts bool) state {
	if !holds {
		return s
	}
	if s.flagged {
		s = s.endIf(true, store.Cancelled)
		s.given = true
		return s
	}
	s.lease, s.status, s.short = 0, store.Created, false
	if counts {
		s.retries++
	}
	return s
}

// claimed is a claim, which may first take back a task whose lease has ended, and need not take all
// that is due.
func claimed(s state, in input, out output) (all []state) {
	befores := []state{s}
	if s.status == store.Running && s.short && s.lease != in.lease {
		back := s
		back.crashes++
		befores = append(befores, back.againIf(true, false))
	}
	for _, b := range befores {
		after := b
		can := b.status == store.Running && b.lease == in.lease // a repeat
		if b.status == store.Created && !b.later && b.held&bit(in.lease) == 0 {
			can = true
			after.status, after.lease, after.short = store.Running, in.lease, in.short
			after.held |= bit(in.lease)
		}
		switch {
		case out.doubt:
			all = append(all, b)
			if can {
				all = append(all, after)
			}
		case out.did && can && after.shownAs(out.state):
			all = append(all, after)
		case !out.did:
			all = append(all, b)
			if can && in.short { // it had the task, and lost it before it could return it
				all = append(all, after)
			}
		}
	}
	return all
}

// shownAs reports whether a claim may show a task so: it may know of a cancellation that was asked for
// right after it.
func (s state) shownAs(v view) bool {
	s.flagged = s.flagged || v.flagged
	return s.view == v
}

func bit(lease int) uint64 { return 1 << (lease % 64) }
