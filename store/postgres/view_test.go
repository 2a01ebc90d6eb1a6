package postgres_test

import (
	"errors"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

// People with psql see every task, under the names of the seed, and bytes as text where they are
// that.
func TestViewForPeople(t *testing.T) {
	s, pool := openFresh(t)
	tasks := []store.NewTask{newTask(), newTask(), newTask(), newTask()}
	tasks[0].Params, tasks[1].Params, tasks[2].Params = []byte(`"é"`), []byte{0, 0xff}, nil
	if _, err := s.Insert(t.Context(), tasks); err != nil {
		t.Fatal(err)
	}
	c := newClaim()
	c.Limit = 3
	if _, err := s.ClaimDue(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	err := errors.Join(
		s.Complete(t.Context(), []store.Completion{{ID: tasks[0].ID, Lease: c.Lease, Returned: []byte(`4`)}}),
		s.Fail(t.Context(), []store.Failure{{ID: tasks[1].ID, Lease: c.Lease, Err: &store.AttemptError{Attempt: 1, Text: "no"}}}))
	if err != nil {
		t.Fatal(err)
	}
	const text = `SELECT concat_ws(' ', func_name, queue, status, coalesce(params, '-'), coalesce(returned, '-'), (completed IS NOT NULL)::int + 10 * (failed IS NOT NULL)::int
		+ 100 * (cancelled IS NOT NULL)::int, retry_attempts, retry_delay, max_retries, errors -> 0 ->> 'error', worker)
		FROM firefly.firefly_tasks ORDER BY id`
	rows, err := pool.Query(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, want := range []string{
		`n q completed "é" 4 1 0 0 0`,
		`n q failed AP8= - 10 0 0 0 no`,
		`n q running - - 0 0 0 0 w`,
		`n q created 1 - 0 0 0 0`,
	} {
		var got string
		if !rows.Next() {
			t.Fatalf("no row, want %q; error %v", want, rows.Err())
		}
		if err := rows.Scan(&got); err != nil || got != want {
			t.Errorf("row %q, error %v, want %q", got, err, want)
		}
	}
	if rows.Next() {
		t.Error("there are more rows")
	}
}
