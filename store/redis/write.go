package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

const (
	opInsert     = "insert" // as a BatchError names them
	opComplete   = "complete"
	opFail       = "fail"
	opReschedule = "reschedule"

	// A script takes at most so much, so that others wait for a millisecond at most; the rest of a
	// batch goes in scripts of its own. A transaction is one script.
	mostItems = 200
	mostBytes = 8 << 20
)

// ConcurrentInserts implements [store.ConcurrentInserter]. Two store 1.2 times as much as one, more no
// more.
func (s *Store) ConcurrentInserts() int { return 2 }

// Insert implements [store.Writer].
func (s *Store) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	refused := store.BatchError{Op: opInsert}
	valid := make([]int, 0, len(tasks))
	again := make([]bool, len(tasks))
	plain := true
	for i := range tasks {
		if err := tasks[i].Validate(); err != nil {
			refused.Refuse(i, tasks[i].ID, err)
			continue
		}
		again[i] = tasks[i].ID != 0
		plain = plain && !again[i] && tasks[i].UniqueKey == ""
		valid = append(valid, i)
	}
	if err := s.number(ctx, tasks, valid); err != nil {
		return nil, err
	}
	out := make([]store.Inserted, len(tasks))
	if plain {
		if err := s.insertPlain(ctx, tasks, valid, out); err != nil {
			return nil, err
		}
		return out, refused.OrNil()
	}
	var b batch
	for _, i := range valid {
		b.insert(&tasks[i], again[i], &out[i])
	}
	if err := s.apply(ctx, &b, false); err != nil {
		return nil, err
	}
	return out, refused.OrNil()
}

// Complete implements [store.Writer].
func (s *Store) Complete(ctx context.Context, done []store.Completion) error {
	refused := store.BatchError{Op: opComplete}
	var b batch
	b.complete(done, &refused)
	return s.settle(ctx, &b, &refused)
}

// Fail implements [store.Writer].
func (s *Store) Fail(ctx context.Context, failed []store.Failure) error {
	refused := store.BatchError{Op: opFail}
	var b batch
	b.fail(failed, &refused)
	return s.settle(ctx, &b, &refused)
}

// Reschedule implements [store.Writer].
func (s *Store) Reschedule(ctx context.Context, again []store.Rescheduling) error {
	refused := store.BatchError{Op: opReschedule}
	var b batch
	b.reschedule(again, &refused)
	return s.settle(ctx, &b, &refused)
}

func (s *Store) settle(ctx context.Context, b *batch, refused *store.BatchError) error {
	if err := s.apply(ctx, b, false); err != nil {
		return err
	}
	return refused.OrNil()
}

// A batch is items for the script apply, and what is to be done with the answer to each.
type batch struct {
	items []item
	news  wake.News
}

type item struct {
	args   []any
	bytes  int
	refuse func(err error)             // the lease is lost
	answer func(what, value string)    // of an insertion: what else it is than stored
	stored func(now string) *wake.News // of an insertion: nothing was said of it
}

func (b *batch) insert(n *store.NewTask, again bool, out *store.Inserted) {
	eta := etaText(n.ETA)
	delay := micros(n.Delay)
	id := n.ID
	b.items = append(b.items, item{
		args: []any{
			"i", idText(id), flag(again), eta, delay, lane(n.Queue, n.Priority), n.Name, n.UniqueKey, flag(n.Replace), restOf(n),
		},
		bytes: len(n.Params),
		answer: func(what, value string) {
			switch what {
			case "repeat":
				created, due, _ := strings.Cut(value, " ")
				*out = store.Inserted{ID: id}
				out.Created, _ = parseMicros(created)
				out.Due, _ = parseMicros(due)
			case "replaced":
				holder, _ := parseID(value)
				*out = store.Inserted{ID: holder, Outcome: store.Replaced}
			default:
				holder, _ := parseID(value)
				*out = store.Inserted{ID: holder, Outcome: store.Existing}
			}
		},
		stored: func(now string) *wake.News {
			at, _ := strconv.ParseInt(now, 10, 64)
			*out = store.Inserted{ID: id, Created: fromMicros(at), Due: fromMicros(dueAt(eta, delay, at))}
			if !out.Due.After(out.Created) {
				return &wake.News{Queues: []string{n.Queue}}
			}
			return nil
		},
	})
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

func (b *batch) complete(done []store.Completion, refused *store.BatchError) {
	for i, d := range done {
		if err := store.CheckReturned(d.Returned); err != nil {
			refused.Refuse(i, d.ID, err)
			continue
		}
		result := "-"
		if d.Returned != nil {
			result = "+" + string(d.Returned)
		}
		b.settle(refused, i, d.ID, len(result), "c", idText(d.ID), d.Lease[:], result)
	}
}

func (b *batch) fail(failed []store.Failure, refused *store.BatchError) {
	for i, f := range failed {
		attempt, text := errorFields(f.Err)
		b.settle(refused, i, f.ID, len(text), "f", idText(f.ID), f.Lease[:], flag(f.Cancelled), attempt, text)
	}
}

func (b *batch) reschedule(again []store.Rescheduling, refused *store.BatchError) {
	for i, a := range again {
		if a.Kind > store.Release || a.Kind != store.Release && a.After < 0 {
			refused.Refuse(i, a.ID, store.Invalid("rescheduling", fmt.Errorf("%s after %s", a.Kind, a.After)))
			continue
		}
		attempt, text := errorFields(a.Err)
		b.settle(refused, i, a.ID, len(text), "r", idText(a.ID), a.Lease[:], a.Kind.String(), micros(a.After), attempt, text)
	}
}

func (b *batch) settle(refused *store.BatchError, index int, id int64, bytes int, args ...any) {
	b.items = append(b.items, item{args: args, bytes: bytes, refuse: func(err error) { refused.Refuse(index, id, err) }})
}

func errorFields(e *store.AttemptError) (attempt, text string) {
	if e == nil {
		return "", ""
	}
	return strconv.Itoa(e.Attempt), store.CleanText(e.Text)
}

// apply runs the items: in a transaction as one script, else as few as it takes.
func (s *Store) apply(ctx context.Context, b *batch, tx bool) error {
	if err := s.enter(ctx); err != nil || len(b.items) == 0 {
		return err
	}
	parts := [][]item{b.items}
	if !tx {
		parts = b.parts()
	}
	lists := make([][]any, len(parts))
	for i, part := range parts {
		lists[i] = s.arguments(flag(tx))
		for _, it := range part {
			lists[i] = append(lists[i], it.args...)
		}
	}
	answers, err := s.run(ctx, &s.scripts.apply, lists...)
	if err != nil {
		return err
	}
	s.work.Add(1)
	for i, part := range parts {
		if err := b.heed(part, answers[i]); err != nil {
			return err
		}
	}
	s.board.Announce(&b.news)
	return nil
}

// parts cuts the items.
func (b *batch) parts() (parts [][]item) {
	first, bytes := 0, 0
	for i, it := range b.items {
		if i > first && (i-first == mostItems || bytes+it.bytes > mostBytes) {
			parts = append(parts, b.items[first:i])
			first, bytes = i, 0
		}
		bytes += it.bytes
	}
	return append(parts, b.items[first:])
}

var errAnswer = errors.New("the script's answer is not understood")

// heed tells items what became of them.
func (b *batch) heed(part []item, answer []any) error {
	if len(answer) == 0 || len(answer)%3 != 1 {
		return errAnswer
	}
	now, _ := answer[0].(string)
	said := make(map[int64]bool, len(answer)/3)
	for a := 1; a < len(answer); a += 3 {
		i, ok := answer[a].(int64)
		what, _ := answer[a+1].(string)
		value, _ := answer[a+2].(string)
		if !ok || i < 0 || i >= int64(len(part)) {
			return errAnswer
		}
		said[i] = true
		switch it := &part[i]; {
		case it.refuse != nil:
			it.refuse(store.ErrLeaseLost)
		default:
			it.answer(what, value)
		}
	}
	for i := range part {
		if part[i].stored == nil || said[int64(i)] {
			continue
		}
		if news := part[i].stored(now); news != nil {
			b.news.Due(news.Queues[0])
		}
	}
	return nil
}
