package store

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// A Status is a task's place in its life. Created and Running tasks are live; the other states
// are terminal: only an explicit [Retrier] call leaves them.
type Status string

const (
	Created   Status = "created"   // waits until it is due and claimed
	Running   Status = "running"   // held by a lease
	Completed Status = "completed" // its handler succeeded
	Failed    Status = "failed"    // it has no run left, or failed for good
	Cancelled Status = "cancelled"
)

// Terminal reports whether the task is over.
func (s Status) Terminal() bool { return s == Completed || s == Failed || s == Cancelled }

// Valid reports whether s is one of the five.
func (s Status) Valid() bool { return s == Created || s == Running || s.Terminal() }

// A Task is the stored entity. All times are the store's clock; a zero time means never.
//
// The times in it are exact to a microsecond at least. Slices and maps in a Task that a store
// returned belong to the caller.
type Task struct {
	ID       int64
	Name     string // the registered name of the function to run
	Queue    string
	Priority int // -2..2; higher is sooner
	Status   Status

	Encoding string            // names the codec of Params and Returned
	Params   []byte            // the encoded argument
	Returned []byte            // the encoded result, once completed
	Meta     map[string]string // small pairs for middleware, a trace's id say; nil if none

	Created  time.Time
	Due      time.Time // not before it: the ETA at first, later the time of the retry
	Finished time.Time // when it became completed, failed or cancelled

	MaxRetries int           // N retries are N + 1 runs that end with a verdict
	RetryDelay time.Duration // between a failed run and its retry
	Timeout    time.Duration // for one run; zero is none
	Retries    int           // failed runs that were scheduled again, counted against MaxRetries
	Crashes    int           // leases that ended without a word
	Errors     []AttemptError

	UniqueKey       string // held while the task is live; empty if none
	CancelRequested bool   // a running task's cancellation has been asked for

	Lease    LeaseID   // holds the task while it runs; zero otherwise
	LeaseEnd time.Time // when that lease ends, if it is not prolonged
	Worker   string    // who holds it
}

// Attempt is the number of the run that is under way or comes next, from 1: one more than the
// runs that failed or crashed.
func (t *Task) Attempt() int { return t.Retries + t.Crashes + 1 }

// Clone returns a deep copy.
func (t *Task) Clone() Task {
	c := *t
	c.Params = slices.Clone(t.Params)
	c.Returned = slices.Clone(t.Returned)
	c.Meta = maps.Clone(t.Meta)
	c.Errors = slices.Clone(t.Errors)
	return c
}

// MarshalJSON renders the entity under the names that the Django package gave it, and those
// that Firefly added, all in snake_case. Durations are seconds, unset times null. The time in
// Finished stands under the status that it belongs to: completed, failed or cancelled. Params
// and returned are raw JSON where the encoding is "json", else a string (of Base64 where the
// bytes are no UTF-8).
func (t Task) MarshalJSON() ([]byte, error) {
	lease := ""
	if !t.Lease.IsZero() {
		lease = t.Lease.String()
	}
	return json.Marshal(taskJSON{
		ID: t.ID, FuncName: t.Name, Queue: t.Queue, Priority: t.Priority, Status: t.Status,
		Created: optional(t.Created), NotBefore: optional(t.Due),
		Completed: t.finishedAs(Completed), Failed: t.finishedAs(Failed), Cancelled: t.finishedAs(Cancelled),
		Encoding: t.Encoding, Params: payloadJSON(t.Encoding, t.Params), Returned: payloadJSON(t.Encoding, t.Returned),
		Meta: t.Meta, MaxRetries: t.MaxRetries, RetryDelay: t.RetryDelay.Seconds(), Timeout: t.Timeout.Seconds(),
		RetryAttempts: t.Retries, Crashes: t.Crashes, Errors: t.Errors,
		UniqueKey: t.UniqueKey, CancelRequested: t.CancelRequested,
		Lease: lease, LeaseEnd: optional(t.LeaseEnd), Worker: t.Worker,
	})
}

type taskJSON struct {
	ID              int64             `json:"id"`
	FuncName        string            `json:"func_name"`
	Queue           string            `json:"queue"`
	Priority        int               `json:"priority"`
	Status          Status            `json:"status"`
	Created         *time.Time        `json:"created"`
	NotBefore       *time.Time        `json:"not_before"`
	Completed       *time.Time        `json:"completed"`
	Failed          *time.Time        `json:"failed"`
	Cancelled       *time.Time        `json:"cancelled"`
	Encoding        string            `json:"encoding"`
	Params          json.RawMessage   `json:"params"`
	Returned        json.RawMessage   `json:"returned"`
	Meta            map[string]string `json:"meta,omitempty"`
	MaxRetries      int               `json:"max_retries"`
	RetryDelay      float64           `json:"retry_delay"`
	Timeout         float64           `json:"timeout"`
	RetryAttempts   int               `json:"retry_attempts"`
	Crashes         int               `json:"crashes"`
	Errors          []AttemptError    `json:"errors,omitempty"`
	UniqueKey       string            `json:"unique_key,omitempty"`
	CancelRequested bool              `json:"cancel_requested,omitempty"`
	Lease           string            `json:"lease,omitempty"`
	LeaseEnd        *time.Time        `json:"lease_end,omitempty"`
	Worker          string            `json:"worker,omitempty"`
}

func (t *Task) finishedAs(s Status) *time.Time {
	if t.Status != s {
		return nil
	}
	return optional(t.Finished)
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func payloadJSON(encoding string, b []byte) json.RawMessage {
	if b == nil {
		return json.RawMessage("null")
	}
	if encoding == "json" && json.Valid(b) && utf8.Valid(b) {
		return b
	}
	return textJSON(b)
}
