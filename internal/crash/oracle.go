package crash

import (
	"slices"
	"strconv"

	"github.com/fireflytasks/go-firefly/store"
)

// judge holds the ledger against the store.
func (h *harness) judge(effects Effects) {
	h.Helper()
	rows, err := effects.Count(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	children := h.children()
	var lost, doubled, missing, orphans, wrongChildren int
	acknowledged := slices.Concat(h.parent, h.plain)
	for _, id := range acknowledged {
		if task, err := plain.Find(h.client, id).Task(h.Context()); err != nil || task.Status != store.Completed {
			lost++
			h.Logf("crash: task %d is lost: %q %v, error %v", id, task.Status, task.Errors, err)
		}
	}
	for _, id := range h.parent {
		doubled += max(0, rows[id]-1)
		if rows[id] == 0 {
			missing++
		}
		if children[id] != 1 {
			wrongChildren++
		}
		delete(rows, id)
		delete(children, id)
	}
	orphans = len(rows) + len(children)
	h.Logf("crash: of %d tasks: lost %d, effects doubled %d, missing %d, parents without their one child %d, orphans %d",
		len(acknowledged), lost, doubled, missing, wrongChildren, orphans)
	if lost+doubled+missing+wrongChildren+orphans > 0 {
		h.Error("the store lost or doubled something")
	}
}

// children counts the stored children of each parent.
func (h *harness) children() map[int64]int {
	h.Helper()
	lister, ok := store.As[store.Lister](h.store)
	if !ok {
		h.Fatal("the store does not list")
	}
	found := map[int64]int{}
	for page := (store.Page{Limit: 1000}); ; {
		tasks, err := lister.List(h.Context(), store.Filter{Names: []string{child.Name()}}, page)
		if err != nil {
			h.Fatal(err)
		}
		for _, task := range tasks {
			id, err := strconv.ParseInt(string(task.Params), 10, 64)
			if err != nil {
				h.Fatal(err)
			}
			found[id]++
			page.After = task.ID
		}
		if len(tasks) < page.Limit {
			return found
		}
	}
}
