package sqlite

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// scanTask reads a row of the view firefly_all.
func scanTask(rows *sql.Rows) (t store.Task, err error) {
	var created, due, retryDelay, timeout int64
	var meta, history, key, worker sql.NullString
	var finished, ends sql.NullInt64
	var lease []byte
	err = rows.Scan(&t.ID, &t.Name, &t.Queue, &t.Priority, &t.Encoding, &t.Params, &meta, &created, &due,
		&t.MaxRetries, &retryDelay, &timeout, &t.Retries, &t.Crashes, &history, &key,
		&t.Status, &finished, &t.Returned, &lease, &ends, &worker, &t.CancelRequested)
	if err != nil {
		return t, err
	}
	t.Created, t.Due = fromMicros(created), fromMicros(due)
	t.RetryDelay, t.Timeout = time.Duration(retryDelay), time.Duration(timeout)
	t.UniqueKey, t.Worker = key.String, worker.String
	if finished.Valid {
		t.Finished = fromMicros(finished.Int64)
	}
	if ends.Valid {
		t.LeaseEnd = fromMicros(ends.Int64)
	}
	copy(t.Lease[:], lease)
	if meta.Valid {
		err = json.Unmarshal([]byte(meta.String), &t.Meta)
	}
	if err == nil && history.Valid {
		t.Errors, err = readHistory(history.String)
	}
	return t, err
}

func readHistory(text string) (history []store.AttemptError, err error) {
	err = json.Unmarshal([]byte(text), &history)
	return history, err
}

// withError returns the text of a history to which an error is appended.
func (q *session) withError(history sql.NullString, e *store.AttemptError) (sql.NullString, error) {
	if e == nil {
		return history, nil
	}
	var all []store.AttemptError
	if history.Valid {
		var err error
		if all, err = readHistory(history.String); err != nil {
			return history, err
		}
	}
	text, err := json.Marshal(store.AppendError(all, e, fromMicros(q.at)))
	return sql.NullString{String: string(text), Valid: true}, err
}
