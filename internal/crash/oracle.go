package crash

import (
	"fmt"
	"strconv"

	"github.com/fireflytasks/go-firefly/store"
)

// judge holds the ledger against the store.
func (h *harness) judge() {
	h.Helper()
	rows := h.rows()
	tasks := h.tasks()
	children := h.children(tasks)
	var lost, doubled, missing, wrongChildren, strangers int
	acknowledged := h.known.all()
	for _, id := range acknowledged {
		if task := tasks[id]; task.Status != store.Completed {
			lost++
			h.Logf("crash: task %d is lost: %q %v", id, task.Status, task.Errors)
		}
		delete(tasks, id)
	}
	for _, id := range h.known.parent {
		doubled += max(0, rows[id]-1)
		if rows[id] == 0 && h.effects != nil {
			missing++
		}
		if children[id] != 1 {
			wrongChildren++
		}
		delete(rows, id)
		delete(children, id)
	}
	for id, task := range tasks {
		if task.Name != child.Name() {
			strangers++
			h.Logf("crash: task %d (%s) is there, and whoever scheduled it was told that it is not", id, task.Name)
		}
	}
	orphans := len(rows) + len(children)
	effects := ""
	if h.effects != nil {
		effects = fmt.Sprintf("effects doubled %d, missing %d, ", doubled, missing)
	}
	h.Logf("crash: of %d tasks: lost %d, %sparents without their one child %d, orphans %d, strangers %d",
		len(acknowledged), lost, effects, wrongChildren, orphans, strangers)
	if lost+doubled+missing+wrongChildren+orphans+strangers > 0 {
		h.Error("the store lost or doubled something")
	}
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
