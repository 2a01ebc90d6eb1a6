package mongo

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/store"
)

// A record is a task as a document. Fields that are not set are not there, so that partial indexes
// leave it out. Times are microseconds since 1970, durations nanoseconds.
type record struct {
	ID       int64        `bson:"_id"`
	Name     string       `bson:"name"`
	Queue    string       `bson:"queue"`
	Priority int32        `bson:"priority"`
	Status   store.Status `bson:"status"`

	Encoding string `bson:"encoding"`
	Params   []byte `bson:"params"`
	Returned []byte `bson:"returned,omitempty"`
	Meta     string `bson:"meta,omitempty"` // JSON: its keys may be anything

	Created  int64 `bson:"created"`
	Due      int64 `bson:"due"`
	Finished int64 `bson:"finished,omitempty"`

	MaxRetries int32         `bson:"max_retries"`
	RetryDelay int64         `bson:"retry_delay"`
	Timeout    int64         `bson:"timeout"`
	Retries    int32         `bson:"retries,omitempty"`
	Crashes    int32         `bson:"crashes,omitempty"`
	Errors     []errorRecord `bson:"errors,omitempty"`

	UniqueKey string `bson:"unique_key,omitempty"`
	Held      string `bson:"held,omitempty"` // the unique key, while the task is live
	Cancel    bool   `bson:"cancel,omitempty"`

	Lease  []byte `bson:"lease,omitempty"` // while it is running
	Worker string `bson:"worker,omitempty"`

	EndedBy []byte `bson:"ended_by,omitempty"` // the lease that completed or failed it
	Op      int64  `bson:"op,omitempty"`       // the call that changed it last

	Outbox   int64    `bson:"outbox,omitempty"`   // since when it has children that are to be stored
	Children []record `bson:"children,omitempty"` // which it was completed with
	Replaces bool     `bson:"replaces,omitempty"` // of a child: another task that holds its key
}

type errorRecord struct {
	Attempt int32  `bson:"attempt"`
	At      int64  `bson:"at"`
	Text    string `bson:"text"`
}

// maxDocument is how large a task may be in all, less than the server's 16 MiB by what its shorter
// fields take at most.
const maxDocument = 16<<20 - 256<<10

// checkSize refuses a task that no document can hold.
func checkSize(n *store.NewTask) error {
	if len(n.Params) <= maxDocument {
		return nil
	}
	return store.Invalid("task", fmt.Errorf("params of %d bytes are %w: the limit of MongoDB is %d bytes for params and result together",
		len(n.Params), store.ErrTooLarge, maxDocument))
}

// newRecord returns a new task's document. Without a delay the task is due at once, so it begins
// early; with one, it must not be due too soon.
func newRecord(n *store.NewTask, at instant) record {
	r := record{
		ID: n.ID, Name: n.Name, Queue: n.Queue, Priority: int32(n.Priority), Status: store.Created, //nolint:gosec // within bounds
		Encoding: n.Encoding, Params: n.Params, Meta: metaText(n.Meta),
		Created: at.early, Due: dueAt(n.When(), at),
		MaxRetries: int32(n.MaxRetries), RetryDelay: int64(n.RetryDelay), Timeout: int64(n.Timeout), //nolint:gosec // within bounds
		UniqueKey: n.UniqueKey, Held: n.UniqueKey,
	}
	if n.Delay > 0 {
		r.Created = at.late
	}
	return r
}

// dueAt is when a task is to be due.
func dueAt(w store.When, at instant) int64 {
	if eta := etaMicros(w.ETA); eta > at.early {
		return eta
	}
	return dueAfter(at, micros(w.Delay))
}

// etaMicros is an ETA, rounded up; zero if there is none.
func etaMicros(eta time.Time) int64 {
	if eta.IsZero() {
		return 0
	}
	at := eta.UnixMicro()
	if eta.Nanosecond()%1000 > 0 {
		at++
	}
	return at
}

func metaText(meta map[string]string) string {
	if meta == nil {
		return ""
	}
	text, _ := json.Marshal(meta) // of strings, which cannot fail
	return string(text)
}

// inserted says what became of a task that is stored.
func (r *record) inserted() store.Inserted {
	return store.Inserted{ID: r.ID, Created: fromMicros(r.Created), Due: fromMicros(r.Due)}
}

// replacement are the fields that a task which replaces another one brings.
func (r *record) replacement() bson.M {
	set := bson.M{
		"priority": r.Priority, "encoding": r.Encoding, "params": r.Params, "due": r.Due,
		"max_retries": r.MaxRetries, "retry_delay": r.RetryDelay, "timeout": r.Timeout,
	}
	if r.Meta == "" {
		return bson.M{"$set": set, "$unset": bson.M{"meta": ""}}
	}
	set["meta"] = r.Meta
	return bson.M{"$set": set}
}

var errDamaged = store.Definite(errors.New("the task's document is damaged"))

// readTask reads a task's document.
func readTask(raw bson.Raw) (store.Task, error) {
	var r record
	if err := bson.Unmarshal(raw, &r); err != nil {
		return store.Task{}, damaged(raw, err)
	}
	return r.task()
}

// damaged explains why a document cannot be read, and names its task, if it is one.
func damaged(raw bson.Raw, err error) error {
	if id, is := raw.Lookup("_id").AsInt64OK(); is {
		return fmt.Errorf("task %d: %w: %w", id, errDamaged, err)
	}
	return err
}

// task returns the entity. The end of its lease is elsewhere.
func (r *record) task() (store.Task, error) {
	t := store.Task{
		ID: r.ID, Name: r.Name, Queue: r.Queue, Priority: int(r.Priority), Status: r.Status,
		Encoding: r.Encoding, Params: r.Params, Returned: r.Returned,
		Created: fromMicros(r.Created), Due: fromMicros(r.Due), Finished: fromMicros(r.Finished),
		MaxRetries: int(r.MaxRetries), RetryDelay: time.Duration(r.RetryDelay), Timeout: time.Duration(r.Timeout),
		Retries: int(r.Retries), Crashes: int(r.Crashes),
		UniqueKey: r.UniqueKey, CancelRequested: r.Cancel, Worker: r.Worker,
	}
	if r.Meta != "" {
		if err := json.Unmarshal([]byte(r.Meta), &t.Meta); err != nil {
			return t, fmt.Errorf("task %d: meta: %w: %w", r.ID, errDamaged, err)
		}
	}
	for _, e := range r.Errors {
		t.Errors = append(t.Errors, store.AttemptError{Attempt: int(e.Attempt), At: fromMicros(e.At), Text: e.Text})
	}
	switch {
	case !r.Status.Valid() || (r.Status == store.Running) != (r.Lease != nil) || r.Lease != nil && len(r.Lease) != len(t.Lease):
		return t, fmt.Errorf("task %d: %w: status %q with a lease of %d bytes", r.ID, errDamaged, r.Status, len(r.Lease))
	default:
		t.Lease = leaseID(r.Lease)
		return t, nil
	}
}
