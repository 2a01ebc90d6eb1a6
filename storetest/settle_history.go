package storetest

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fireflytasks/go-firefly/store"
)

var settleHistoryCases = []testCase{
	{
		name: "SettleErrorHistoryKept", rule: 11, run: settleErrorHistoryKept,
		says: "each error is appended with its attempt and the store's time, and the last ten are kept",
	},
	{
		name: "SettleFailKeepsError", rule: 11, needs: needs(getter), run: settleFailKeepsError,
		says: "a failed task keeps its history, with the last error at its end",
	},
	{
		name: "SettleErrorTextCleaned", rule: 2, run: settleErrorTextCleaned,
		says: "an error's text is cut and scrubbed, not refused",
	},
	{
		name: "SettleBatchPartialErrorsNamed", rule: 3, run: settleBatchPartialErrorsNamed,
		says: "the refused items of a batch are named by position and id, and all others are applied",
	},
	{
		name: "SettleEmptyBatch", rule: 3, run: settleEmptyBatch,
		says: "an empty batch is nothing to do",
	},
	{
		name: "SettleCancelledContextChangesNothing", rule: 19, run: settleCancelledContextChangesNothing,
		says: "a call whose context has ended before changes nothing",
	},
}

func settleErrorHistoryKept(t *T) {
	const runs = store.MaxErrors + 2
	task := t.running()
	for run := 1; run < runs; run++ {
		t.ok(t.reschedule(task, store.Retry, 0, fmt.Sprintf("error %d", run)), "retry")
		task = t.claimOne()
		if want := min(run, store.MaxErrors); len(task.Errors) != want {
			t.Fatalf("after %d failed runs there are %d errors, want %d", run, len(task.Errors), want)
		}
	}
	for i, e := range task.Errors {
		attempt := runs - store.MaxErrors + i
		if e.Attempt != attempt || e.Text != fmt.Sprintf("error %d", attempt) {
			t.Fatalf("error %d of the history is %+v, want that of attempt %d", i, e, attempt)
		}
		if e.At.Before(task.Created) || e.At.After(task.Created.Add(time.Minute)) {
			t.Fatalf("error %d is from %s, its task from %s", i, e.At, task.Created)
		}
	}
}

func settleFailKeepsError(t *T) {
	task := t.running()
	t.ok(t.reschedule(task, store.Retry, 0, "first"), "retry")
	t.ok(t.fail(t.claimOne(), "last"), "fail")
	failed := t.task(task.ID)
	e := failed.Errors
	if len(e) != 2 || e[0].Text != "first" || e[1].Text != "last" || e[1].Attempt != 2 {
		t.Fatalf("the history is %+v", e)
	}
}

func settleErrorTextCleaned(t *T) {
	task := t.running()
	dirty := "nul \x00, not UTF-8 \xff, long " + strings.Repeat("é", store.MaxErrorText)
	t.ok(t.reschedule(task, store.Retry, 0, dirty), "retry with an error text of all faults")
	text := t.claimOne().Errors[0].Text
	if len(text) > store.MaxErrorText || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		t.Fatalf("the text of %d bytes was stored with %d, valid UTF-8: %t", len(dirty), len(text), utf8.ValidString(text))
	}
	if !strings.HasPrefix(text, "nul ") || len(text) < store.MaxErrorText-utf8.UTFMax {
		t.Fatalf("of the text of %d bytes only %d are left", len(dirty), len(text))
	}
}

func settleBatchPartialErrorsNamed(t *T) {
	settle := map[string]func(tasks []store.Task) error{
		"complete": func(tasks []store.Task) error {
			var items []store.Completion
			for _, task := range tasks {
				items = append(items, store.Completion{ID: task.ID, Lease: task.Lease})
			}
			return t.store.Complete(t.Context(), items)
		},
		"fail": func(tasks []store.Task) error {
			var items []store.Failure
			for _, task := range tasks {
				items = append(items, store.Failure{ID: task.ID, Lease: task.Lease})
			}
			return t.store.Fail(t.Context(), items)
		},
		"reschedule": func(tasks []store.Task) error {
			var items []store.Rescheduling
			for _, task := range tasks {
				items = append(items, store.Rescheduling{ID: task.ID, Lease: task.Lease, Kind: store.Snooze, After: time.Hour})
			}
			return t.store.Reschedule(t.Context(), items)
		},
	}
	for op, do := range settle {
		t.insert(newTask(), newTask(), newTask(), newTask())
		tasks := t.claim(4)
		wrong := append([]store.Task(nil), tasks...)
		wrong[1].Lease, wrong[3].Lease = store.NewLeaseID(), store.NewLeaseID()
		t.refusedItems(do(wrong), store.ErrLeaseLost, op, 1, 3)
		t.refusedIDs(do(wrong[3:]), op, tasks[3].ID)
		t.ok(do([]store.Task{tasks[1], tasks[3]}), op+" of the items that were refused before")
		t.claimNone("all four are settled by " + op)
	}
}

func settleEmptyBatch(t *T) {
	inserted, err := t.store.Insert(t.Context(), nil)
	t.ok(err, "insert of nothing")
	if len(inserted) != 0 {
		t.Fatalf("insert of nothing returned %v", inserted)
	}
	t.ok(t.store.Complete(t.Context(), nil), "complete of nothing")
	t.ok(t.store.Fail(t.Context(), nil), "fail of nothing")
	t.ok(t.store.Reschedule(t.Context(), nil), "reschedule of nothing")
}

func settleCancelledContextChangesNothing(t *T) {
	task := t.running()
	ended := t.endedContext()
	for op, err := range map[string]error{
		"complete":   t.store.Complete(ended, []store.Completion{{ID: task.ID, Lease: task.Lease}}),
		"fail":       t.store.Fail(ended, []store.Failure{{ID: task.ID, Lease: task.Lease}}),
		"reschedule": t.store.Reschedule(ended, []store.Rescheduling{{ID: task.ID, Lease: task.Lease}}),
	} {
		if err == nil {
			t.Fatalf("%s with a context that has ended: no error", op)
		}
	}
	t.ok(t.complete(task, nil), "complete after calls that changed nothing")
}
