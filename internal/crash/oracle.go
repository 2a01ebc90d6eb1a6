package crash

import (
	"fmt"
	"strconv"

	"github.com/fireflytasks/go-firefly/store"
)

// A verdict is what has become of the tasks that were acknowledged.
type verdict struct {
	tasks         int // children included
	lost          int // acknowledged, and not completed
	doubled       int // effects
	missing       int // effects
	wrongChildren int // parents without their one child
	orphans       int // effects and children of what was not acknowledged
	strangers     int // tasks that are there although whoever scheduled them was told that they are not
}

func (v verdict) faults() int {
	return v.lost + v.doubled + v.missing + v.wrongChildren + v.orphans + v.strangers
}

// judge holds the ledger against the store, and fails if anything is wrong.
func (h *harness) judge() verdict {
	h.Helper()
	v := h.weigh()
	effects := ""
	if h.effects != nil {
		effects = fmt.Sprintf("effects doubled %d, missing %d, ", v.doubled, v.missing)
	}
	h.Logf("crash: of %d tasks: lost %d, %sparents without their one child %d, orphans %d, strangers %d",
		v.tasks, v.lost, effects, v.wrongChildren, v.orphans, v.strangers)
	if v.faults() > 0 {
		h.Error("the store lost or doubled something")
	}
	return v
}

func (h *harness) weigh() verdict {
	h.Helper()
	rows := h.rows()
	tasks := h.tasks()
	children := h.children(tasks)
	v := verdict{tasks: len(tasks)}
	for _, id := range h.known.all() {
		if task := tasks[id]; task.Status != store.Completed {
			v.lost++
			h.Logf("crash: task %d is lost: %q %v", id, task.Status, task.Errors)
		}
		delete(tasks, id)
	}
	for _, id := range h.known.parent {
		v.doubled += max(0, rows[id]-1)
		if rows[id] == 0 && h.effects != nil {
			v.missing++
		}
		if children[id] != 1 {
			v.wrongChildren++
		}
		delete(rows, id)
		delete(children, id)
	}
	for id, task := range tasks {
		switch task.Name {
		case child.Name():
		case poison.Name():
			if task.Status != store.Failed {
				v.lost++
				h.Logf("crash: task %d, which kills its workers, is %q", id, task.Status)
			}
		default:
			v.strangers++
			h.Logf("crash: task %d (%s) is there, and whoever scheduled it was told that it is not", id, task.Name)
		}
	}
	v.orphans = len(rows) + len(children)
	return v
}

// rows returns how many effects each task has. Without transactions, there are none.
func (h *harness) rows() map[int64]int {
	h.Helper()
	if h.effects == nil {
		return nil
	}
	rows, err := h.effects.Count(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return rows
}

// tasks returns all that are stored.
func (h *harness) tasks() map[int64]store.Task {
	h.Helper()
	lister, ok := store.As[store.Lister](h.store)
	if !ok {
		h.Fatal("the store does not list")
	}
	found := map[int64]store.Task{}
	for page := (store.Page{Limit: 1000}); ; {
		tasks, err := lister.List(h.Context(), store.Filter{}, page)
		if err != nil {
			h.Fatal(err)
		}
		for _, task := range tasks {
			found[task.ID] = task
			page.After = task.ID
		}
		if len(tasks) < page.Limit {
			return found
		}
	}
}

// children counts the stored children of each parent.
func (h *harness) children(tasks map[int64]store.Task) map[int64]int {
	h.Helper()
	found := map[int64]int{}
	for _, task := range tasks {
		if task.Name != child.Name() {
			continue
		}
		id, err := strconv.ParseInt(string(task.Params), 10, 64)
		if err != nil {
			h.Fatal(err)
		}
		found[id]++
	}
	return found
}

// childless counts the completed parents whose child is not there.
func (h *harness) childless() int {
	h.Helper()
	tasks := h.tasks()
	children := h.children(tasks)
	n := 0
	for id, task := range tasks {
		if task.Name == parent.Name() && task.Status == store.Completed && children[id] == 0 {
			n++
		}
	}
	return n
}
