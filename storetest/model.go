package storetest

import (
	"cmp"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// A model is what a store should hold, in the plainest form: a list. Its time is in half
// minutes since the walk began. The clock stands at even times whenever a call is made, and
// everything falls due, or ends, at odd ones: so nothing depends on how long a call takes.
type model struct {
	now    int
	all    []*modelTask // in the order of their ids
	leases []*modelLease
}

type modelTask struct {
	id       int64
	new      store.NewTask
	status   store.Status
	created  int
	due      int
	since    int // when it finished
	lease    *modelLease
	endedBy  *modelLease
	cancel   bool
	retries  int
	crashes  int
	failures int // errors recorded
}

type modelLease struct {
	claim store.Claim
	end   int
}

// forgetAfter is how long finished tasks are asked about: less than the ten minutes of rule 1.
const forgetAfter = 18

// find returns the task with that id.
func (m *model) find(id int64) *modelTask {
	for _, t := range m.all {
		if t.id == id {
			return t
		}
	}
	return nil
}

// holder returns the live task that holds a key.
func (m *model) holder(key string) *modelTask {
	for _, t := range m.all {
		if key != "" && t.new.UniqueKey == key && !t.status.Terminal() {
			return t
		}
	}
	return nil
}

// insert returns what the store has to answer; of a new task it does not know the id.
func (m *model) insert(n store.NewTask, due int) (existing *modelTask, outcome store.Outcome) {
	if t := m.find(n.ID); n.ID != 0 && t != nil {
		return t, store.Stored
	}
	h := m.holder(n.UniqueKey)
	switch {
	case h == nil:
		return nil, store.Stored
	case n.Replace && h.status == store.Created && h.new.Name == n.Name && h.new.Queue == n.Queue:
		h.new, h.due = n, due
		return h, store.Replaced
	default:
		return h, store.Existing
	}
}

func (m *model) add(id int64, n store.NewTask, due int) {
	m.all = append(m.all, &modelTask{id: id, new: n, status: store.Created, created: m.now, due: due})
	slices.SortFunc(m.all, func(a, b *modelTask) int { return cmp.Compare(a.id, b.id) })
}

// claimable returns the tasks that a claim may take, those first that it must take first.
// Within one half minute their order is the store's.
func (m *model) claimable(c *store.Claim) []*modelTask {
	var due []*modelTask
	for _, t := range m.all {
		if t.status == store.Created && t.due <= m.now && slices.Contains(c.Queues, t.new.Queue) && slices.Contains(c.Names, t.new.Name) {
			due = append(due, t)
		}
	}
	slices.SortStableFunc(due, func(a, b *modelTask) int { return a.rank(b, c) })
	return due
}

// rank compares the places of two tasks in a claim.
func (t *modelTask) rank(u *modelTask, c *store.Claim) int {
	return cmp.Or(
		cmp.Compare(u.new.Priority, t.new.Priority),
		cmp.Compare(slices.Index(c.Queues, t.new.Queue), slices.Index(c.Queues, u.new.Queue)),
		cmp.Compare(t.due, u.due))
}

func (m *model) held(l *modelLease) []*modelTask {
	return slices.DeleteFunc(slices.Clone(m.all), func(t *modelTask) bool { return t.lease != l })
}

// takeBack ends the hold of every lease that has ended, and returns how many there were.
func (m *model) takeBack() (ended int) {
	for _, l := range m.leases {
		if held := m.held(l); len(held) > 0 && l.end <= m.now {
			ended++
			for _, t := range held {
				t.crashes++
				t.again(m, nil, l.end)
			}
		}
	}
	return ended
}

// settles reports whether a lease may settle a task, or is refused.
func (t *modelTask) settles(l *modelLease) bool { return t.status == store.Running && t.lease == l }

func (t *modelTask) finish(m *model, by *modelLease, as store.Status) {
	t.status, t.since, t.lease, t.endedBy = as, m.now, nil, by
}

func (t *modelTask) again(m *model, by *modelLease, due int) {
	if t.cancel {
		t.finish(m, by, store.Cancelled)
		return
	}
	t.status, t.due, t.lease = store.Created, due, nil
}

// forgotten reports whether the store may have dropped the task by now.
func (t *modelTask) forgotten(m *model) bool {
	return t.status.Terminal() && m.now-t.since > forgetAfter
}
