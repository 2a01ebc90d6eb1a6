package postgres

import (
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/fireflytasks/go-firefly/store"
)

// A taskRow is what a row has before it is a task.
type taskRow struct {
	priority            int16
	meta, history       []byte
	created, due        time.Time
	maxRetries          int32
	retryDelay, timeout int64
	retries, crashes    int32
	key                 pgtype.Text
}

// fields are the columns that all rows of tasks begin with.
func (r *taskRow) fields(t *store.Task) []any {
	return []any{
		&t.ID, &t.Name, &t.Queue, &r.priority, &t.Encoding, &t.Params, &r.meta, &r.created, &r.due,
		&r.maxRetries, &r.retryDelay, &r.timeout, &r.retries, &r.crashes, &r.history, &r.key,
	}
}

// fill completes the task.
func (r *taskRow) fill(t *store.Task) (err error) {
	t.Priority = int(r.priority)
	t.Created, t.Due = r.created.UTC(), r.due.UTC()
	t.MaxRetries, t.Retries, t.Crashes = int(r.maxRetries), int(r.retries), int(r.crashes)
	t.RetryDelay, t.Timeout = time.Duration(r.retryDelay), time.Duration(r.timeout)
	t.UniqueKey = r.key.String
	if r.meta != nil {
		err = json.Unmarshal(r.meta, &t.Meta)
	}
	if err == nil && r.history != nil {
		err = json.Unmarshal(r.history, &t.Errors)
		for i := range t.Errors {
			t.Errors[i].At = t.Errors[i].At.UTC()
		}
	}
	return err
}

// A claimScan reads the rows of a claim, each into the same places.
type claimScan struct {
	claim *store.Claim
	tasks []store.Task
	r     taskRow
	t     store.Task
	ends  time.Time
	into  []any
}

func newClaimScan(c *store.Claim) *claimScan {
	s := &claimScan{claim: c, tasks: make([]store.Task, 0, min(c.Limit, mostSized))}
	s.into = append(s.r.fields(&s.t), &s.ends, &s.t.CancelRequested)
	return s
}

// mostSized bounds what is made room for in advance.
const mostSized = 1000

func (s *claimScan) row(rows scanner) error {
	s.t, s.r.meta, s.r.history = store.Task{}, nil, nil // what the task before has kept
	if err := rows.Scan(s.into...); err != nil {
		return err
	}
	s.t.Status, s.t.Lease, s.t.LeaseEnd, s.t.Worker = store.Running, s.claim.Lease, s.ends.UTC(), s.claim.Worker
	err := s.r.fill(&s.t)
	s.tasks = append(s.tasks, s.t)
	return err
}

// scanEntity reads a row of the view entity.
func scanEntity(rows scanner) (t store.Task, err error) {
	var r taskRow
	var finished, ends pgtype.Timestamptz
	var lease pgtype.UUID
	var worker pgtype.Text
	var since time.Time
	err = rows.Scan(append(r.fields(&t), &t.Status, &finished, &t.Returned, &lease, &ends, &worker, &t.CancelRequested, &since)...)
	if err != nil {
		return t, err
	}
	if finished.Valid {
		t.Finished = finished.Time.UTC()
	}
	if ends.Valid {
		t.LeaseEnd = ends.Time.UTC()
	}
	t.Lease, t.Worker = lease.Bytes, worker.String
	return t, r.fill(&t)
}
