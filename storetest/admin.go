package storetest

import (
	"errors"
	"slices"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var adminCases = slices.Concat(adminReadCases, adminCancelCases, adminRetryCases, dueCases, adminDeleteCases, adminWaitCases)

var adminReadCases = []testCase{
	{
		name: "AdminGetOrderAndMissing", rule: 16, needs: needs(getter), run: adminGetOrderAndMissing,
		says: "Get returns tasks in the order asked for, and leaves out what is not there",
	},
	{
		name: "AdminListFilters", rule: 18, needs: needs(lister), run: adminListFilters,
		says: "List returns the tasks that meet every condition of the filter",
	},
	{
		name: "AdminListPages", rule: 18, needs: needs(lister), run: adminListPages,
		says: "List goes through all tasks by id, page by page, either way",
	},
	{
		name: "AdminListByErrorAndAge", rule: 18, needs: needs(lister), run: adminListByErrorAndAge,
		says: "List selects by a part of the last error, and by age on the store's clock",
	},
	{
		name: "AdminCountsMatchRows", rule: 18, needs: needs(counter), run: adminCountsMatchRows,
		says: "the counts of each queue are those of its tasks, at every step of their lives",
	},
	{
		name: "AdminPausedListed", rule: 17, needs: needs(pauser, counter), run: adminPausedListed,
		says: "paused queues are listed, with and without tasks, until they are resumed",
	},
	{
		name: "AdminZeroFilterRefused", rule: 18, needs: needs(canceler, retrier, deleter), run: adminZeroFilterRefused,
		says: "an empty filter is refused where tasks are changed",
	},
	{
		name: "AdminLimitLowestFirst", rule: 18, needs: needs(canceler), run: adminLimitLowestFirst,
		says: "a limit takes the lowest ids first, and zero is no limit",
	},
}

func adminGetOrderAndMissing(t *T) {
	ids := t.insert(newTask(), newTask(), newTask())
	t.inOrder(t.tasks(ids[2], ids[2]+1000, ids[0]), []int64{ids[2], ids[0]}, "one of the three ids is unknown")
	t.inOrder(t.tasks(), nil, "no ids were asked for")
}

// list returns the ids of the tasks that match, at most 100.
func (t *T) list(f store.Filter, p store.Page) []int64 {
	t.Helper()
	tasks, err := as[store.Lister](t).List(t.Context(), f, p)
	t.ok(err, "list")
	return idsOf(tasks)
}

// listed ends the case unless List finds exactly the tasks want.
func (t *T) listed(f store.Filter, why string, want ...int64) {
	t.Helper()
	if got := t.list(f, store.Page{}); !slices.Equal(got, want) {
		t.Fatalf("listed %v, want %v: %s", got, want, why)
	}
}

func adminListFilters(t *T) {
	running, completed := t.running(), t.running()
	t.ok(t.complete(completed, nil), "complete")
	a := t.insertOne(withDelay(time.Hour))
	b := t.insertOne(withQueue(queueB), withName(nameB))
	ids := []int64{running.ID, completed.ID, a, b}
	t.listed(store.Filter{}, "the zero filter is all", ids...)
	t.listed(store.Filter{IDs: []int64{b, a, b + 1000}}, "by id", a, b)
	t.listed(store.Filter{Statuses: []store.Status{store.Created}}, "by one status", a, b)
	t.listed(store.Filter{Statuses: []store.Status{store.Running, store.Completed}}, "by two statuses", running.ID, completed.ID)
	t.listed(store.Filter{Queues: []string{queueB}}, "by queue", b)
	t.listed(store.Filter{Names: []string{nameA}}, "by name", ids[:3]...)
	t.listed(store.Filter{IDs: ids, Statuses: []store.Status{store.Created}, Names: []string{nameA}}, "by all conditions", a)
	t.listed(store.Filter{Queues: []string{queueB}, Statuses: []store.Status{store.Failed}}, "no task meets both")
	t.listed(store.Filter{IDs: []int64{}}, "no id is asked for")
}

func adminListPages(t *T) {
	ids := t.insert(newTask(), newTask(withPriority(2)), newTask(withQueue(queueB)), newTask(), newTask())
	t.ok(t.complete(t.claimOne(), nil), "complete") // finished tasks are in their places, too
	for _, newest := range []bool{false, true} {
		want := slices.Clone(ids)
		if newest {
			slices.Reverse(want)
		}
		var got []int64
		for after := int64(0); ; after = got[len(got)-1] {
			page := t.list(store.Filter{}, store.Page{After: after, Limit: 2, Newest: newest})
			if len(page) == 0 {
				break
			}
			if got = append(got, page...); len(page) > 2 || len(got) > len(ids) {
				t.Fatalf("pages of 2 gave %v", got)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pages gave %v, want %v; newest first: %t", got, want, newest)
		}
	}
}

func adminListByErrorAndAge(t *T) {
	old := t.running()
	t.ok(t.fail(old, "connection refused by 100% of them"), "fail")
	t.advance(5 * time.Minute)
	young := t.running()
	t.ok(t.reschedule(young, store.Retry, 0, "connection refused"), "retry")
	t.ok(t.fail(t.claimOne(), "out of memory"), "fail")
	waiting := t.insertOne()
	t.listed(store.Filter{ErrorText: "refused"}, "by the last error", old.ID)
	t.listed(store.Filter{ErrorText: "0% of"}, "a text means itself", old.ID)
	t.listed(store.Filter{ErrorText: "Out of"}, "case matters")
	t.listed(store.Filter{OlderThan: 4 * time.Minute}, "by age", old.ID)
	t.advance(2 * time.Minute)
	t.listed(store.Filter{OlderThan: time.Minute}, "by age, live and finished", old.ID, young.ID, waiting)
}

// counts ends the case unless the counts of queueA are these.
func (t *T) counts(want store.QueueCounts) {
	t.Helper()
	all, err := as[store.Counter](t).Counts(t.Context())
	t.ok(err, "counts")
	var got store.QueueCounts
	for _, c := range all {
		if c.Queue == queueA {
			got = c
		}
	}
	got.Queue = ""
	if got != want {
		t.Fatalf("counts are %+v, want %+v", got, want)
	}
}

func adminCountsMatchRows(t *T) {
	t.counts(store.QueueCounts{})
	t.insert(newTask(), newTask(), newTask(), newTask(withKey("key")), newTask(withQueue(queueB)))
	t.insertAny(newTask(withKey("key")))
	t.counts(store.QueueCounts{Created: 4})
	tasks := t.claim(4)
	t.counts(store.QueueCounts{Running: 4})
	t.ok(t.complete(tasks[0], nil), "complete")
	t.ok(t.complete(tasks[0], nil), "complete repeated")
	t.ok(t.fail(tasks[1], ""), "fail")
	t.ok(t.store.Fail(t.Context(), []store.Failure{{ID: tasks[2].ID, Lease: tasks[2].Lease, Cancelled: true}}), "fail as cancelled")
	t.ok(t.reschedule(tasks[3], store.Retry, time.Hour, ""), "retry")
	t.refused(t.complete(tasks[3], nil), store.ErrLeaseLost, "complete of a waiting task")
	t.counts(store.QueueCounts{Created: 1, Completed: 1, Failed: 1, Cancelled: 1})
	t.advance(time.Minute)
	t.running()
	t.outliveLease()
	t.claimAs(onlyTakesBack())
	t.counts(store.QueueCounts{Created: 2, Completed: 1, Failed: 1, Cancelled: 1})
	all, err := as[store.Counter](t).Counts(t.Context())
	t.ok(err, "counts")
	if !slices.IsSortedFunc(all, func(a, b store.QueueCounts) int { return slices.Compare([]string{a.Queue}, []string{b.Queue}) }) {
		t.Fatalf("the queues are not in the order of their names: %+v", all)
	}
}

func adminPausedListed(t *T) {
	t.pause("kit.empty", queueA)
	t.pause(queueA)
	paused, err := as[store.Pauser](t).Paused(t.Context())
	t.ok(err, "paused")
	if !slices.Equal(paused, []string{queueA, "kit.empty"}) {
		t.Fatalf("paused queues are %v", paused)
	}
	t.counts(store.QueueCounts{Paused: true})
	t.resume("kit.empty", queueA)
	paused, err = as[store.Pauser](t).Paused(t.Context())
	t.ok(err, "paused")
	if len(paused) != 0 {
		t.Fatalf("paused queues are %v after they were resumed", paused)
	}
}

func adminZeroFilterRefused(t *T) {
	t.insertOne()
	_, err := as[store.Canceler](t).Cancel(t.Context(), store.Filter{}, 0)
	t.refused(err, store.ErrInvalid, "cancel by an empty filter")
	_, err = as[store.Retrier](t).Retry(t.Context(), store.Filter{}, 0)
	t.refused(err, store.ErrInvalid, "retry by an empty filter")
	_, err = as[store.Deleter](t).Delete(t.Context(), store.Filter{}, 0)
	t.refused(err, store.ErrInvalid, "delete by an empty filter")
	t.claimOne()
}

func adminLimitLowestFirst(t *T) {
	ids := t.insert(newTask(), newTask(withPriority(2)), newTask(), newTask())
	cancel := func(limit int) []int64 {
		changed, err := as[store.Canceler](t).Cancel(t.Context(), store.Filter{Queues: []string{queueA}}, limit)
		t.ok(err, "cancel")
		return changed
	}
	if got := cancel(2); !slices.Equal(got, ids[:2]) {
		t.Fatalf("cancelled %v of %v, want the lowest two", got, ids)
	}
	if got := cancel(0); !slices.Equal(got, ids[2:]) {
		t.Fatalf("cancelled %v, want the others of %v", got, ids)
	}
	if _, err := as[store.Canceler](t).Cancel(t.endedContext(), store.Filter{Queues: []string{queueA}}, 0); errors.Is(err, nil) {
		t.Fatal("cancel with a context that has ended: no error")
	}
}
