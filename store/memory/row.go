package memory

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A row is a stored task. Its place in the indexes follows from its fields: see attach.
type row struct {
	store.Task
	index   int           // in its lane's heap, while it waits
	endedBy store.LeaseID // what completed or failed it; zero after a retry, a cancel, a take-back

	older, newer *row // beside it among the finished rows, if it is one
}

// read returns a copy for a caller.
func (s *Store) read(r *row) store.Task {
	t := r.Clone()
	if l := s.leases[r.Lease]; r.Status == store.Running && l != nil {
		t.LeaseEnd = l.end
	}
	return t
}

// change lets f change a row, and moves the row to where it then belongs.
func (s *Store) change(r *row, f func(r *row)) {
	if s.undo != nil {
		before := *r
		*s.undo = append(*s.undo, func() {
			s.detach(r)
			r.Task, r.endedBy = before.Task, before.endedBy
			s.attach(r)
		})
	}
	s.detach(r)
	f(r)
	s.attach(r)
}

// add stores a new row.
func (s *Store) add(r *row) {
	if s.undo != nil {
		*s.undo = append(*s.undo, func() { s.remove(r) })
	}
	s.rows[r.ID] = r
	s.attach(r)
}

func (s *Store) remove(r *row) {
	s.detach(r)
	delete(s.rows, r.ID)
}

// attach enters a row into the indexes that its fields ask for; detach undoes it.
func (s *Store) attach(r *row) {
	q := s.queue(r.Queue)
	*q.count(r.Status)++
	if r.UniqueKey != "" && !r.Status.Terminal() {
		s.keys[r.UniqueKey] = r
	}
	switch r.Status {
	case store.Created:
		q.push(r)
		s.announce(r)
	case store.Running:
		s.hold(r)
	default:
		s.finished.push(r)
	}
}

func (s *Store) detach(r *row) {
	q := s.queue(r.Queue)
	*q.count(r.Status)--
	if s.keys[r.UniqueKey] == r {
		delete(s.keys, r.UniqueKey)
	}
	switch r.Status {
	case store.Created:
		q.pull(r)
	case store.Running:
		s.let(r)
	default:
		s.finished.pull(r)
	}
	if q.idle() {
		delete(s.queues, r.Queue)
	}
}

// finish ends a task, whoever does it.
func (s *Store) finish(r *row, status store.Status, by store.LeaseID, e *store.AttemptError) {
	s.change(r, func(r *row) {
		r.Status, r.Finished, r.endedBy = status, s.now, by
		r.Errors = store.AppendError(r.Errors, e, s.now)
		r.unhold()
	})
}

// wait makes a task wait until due; one that is to be cancelled ends instead. That many retries
// and crashes are counted.
func (s *Store) wait(r *row, due time.Time, by store.LeaseID, e *store.AttemptError, retries, crashes int) {
	if r.CancelRequested {
		s.finish(r, store.Cancelled, by, e)
		r.Crashes += crashes
		return
	}
	s.change(r, func(r *row) {
		r.Status, r.Due = store.Created, due
		r.Errors = store.AppendError(r.Errors, e, s.now)
		r.unhold()
		r.Retries, r.Crashes = r.Retries+retries, r.Crashes+crashes
	})
}

// unhold clears the fields of a lease.
func (r *row) unhold() { r.Lease, r.LeaseEnd, r.Worker = store.LeaseID{}, time.Time{}, "" }
