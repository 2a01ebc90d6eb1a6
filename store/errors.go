package store

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that a store returns, alone or wrapped. Each is definite: see [IsDefinite].
var (
	// ErrLeaseLost: the lease does not hold the task (any more). Nothing was changed.
	ErrLeaseLost error = sentinel("the lease does not hold the task any more")
	// ErrConflict: a transaction ran into another one and was rolled back. It may be run again.
	ErrConflict error = sentinel("the transaction conflicts with another and was rolled back")
	// ErrTxTooLarge: a transaction has more than [MaxTx] writes.
	ErrTxTooLarge error = sentinel(fmt.Sprintf("the transaction has more than %d writes", MaxTx))
	// ErrTxDone: the transaction was used after it had ended.
	ErrTxDone error = sentinel("the transaction has ended")
	// ErrClosed: the store was closed.
	ErrClosed error = sentinel("the store is closed")
	// ErrUnavailable: the store cannot do it at the moment: it is locked, full, read-only, …
	// The same call may succeed later.
	ErrUnavailable error = sentinel("the store is not available at the moment")
	// ErrNotFound: no such task, or it is no longer kept.
	ErrNotFound error = sentinel("no such task")
	// ErrInvalid: an argument breaks a stated rule.
	ErrInvalid error = sentinel("invalid")
	// ErrTooLarge: a payload is larger than the limit that the error names.
	ErrTooLarge error = sentinel("too large")
	// ErrRunning: a running task cannot be deleted.
	ErrRunning error = sentinel("the task is running")
	// ErrDuplicate: another live task holds the unique key.
	ErrDuplicate error = sentinel("another live task holds the unique key")
	// ErrNoAttempt: the context belongs to no attempt that is under way on this store.
	ErrNoAttempt error = sentinel("not in a handler's run on this store")
)

// A sentinel is an error that by itself proves that nothing was changed.
type sentinel string

func (e sentinel) Error() string  { return string(e) }
func (e sentinel) Definite() bool { return true }

// IsDefinite reports whether the outcome of a call that returned err is known. That is so for
// nil, for every error of this package, and for any error in whose tree one has a method
// Definite() bool that returns true. After a definite error other than a [*BatchError] nothing
// was changed; after one that is not definite, the call may have been applied, or not, or will
// be in a moment.
func IsDefinite(err error) bool {
	if err == nil {
		return true
	}
	var d interface{ Definite() bool }
	return errors.As(err, &d) && d.Definite()
}

// Definite marks err, which may be nil, as proof that nothing was changed. A store uses it for
// what its server refused and for what it never sent.
func Definite(err error) error {
	if err == nil || IsDefinite(err) {
		return err
	}
	return definite{err}
}

type definite struct{ error }

func (e definite) Definite() bool { return true }
func (e definite) Unwrap() error  { return e.error }

// A BatchError names the refused items of a batch, of which all others were applied; or, from
// a transaction, the items for which it was rolled back. [errors.Is] and [errors.As] look into
// every refusal.
type BatchError struct {
	Op      string // the method: "insert", "complete", …
	Refused []Refusal
}

// A Refusal says why one item of a batch was not applied.
type Refusal struct {
	Index int   // the item's position in its batch
	ID    int64 // its task, if it has one
	Err   error
}

// shownRefusals bounds an error's text, whatever the size of the batch.
const shownRefusals = 3

func (e *BatchError) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	for i, r := range e.Refused {
		if i == shownRefusals {
			fmt.Fprintf(&b, "; and %d more", len(e.Refused)-i)
			break
		}
		if i > 0 {
			b.WriteString(";")
		}
		if r.ID != 0 {
			fmt.Fprintf(&b, " task %d: %v", r.ID, r.Err)
		} else {
			fmt.Fprintf(&b, " item %d: %v", r.Index, r.Err)
		}
	}
	return b.String()
}

// Definite reports true: what was refused changed nothing, all else was applied.
func (e *BatchError) Definite() bool { return true }

// Unwrap returns the reasons.
func (e *BatchError) Unwrap() []error {
	errs := make([]error, len(e.Refused))
	for i, r := range e.Refused {
		errs[i] = r.Err
	}
	return errs
}

// Refuse adds a refused item.
func (e *BatchError) Refuse(index int, id int64, err error) {
	e.Refused = append(e.Refused, Refusal{Index: index, ID: id, Err: err})
}

// OrNil returns e as an error if anything was refused, else nil.
func (e *BatchError) OrNil() error {
	if len(e.Refused) == 0 {
		return nil
	}
	return e
}

// An UnsupportedError says that a store cannot do what was asked of it. It matches
// [errors.ErrUnsupported].
type UnsupportedError struct {
	Capability string // the interface or method that is missing: "Getter", say
	Store      string // the store's type
}

// Unsupported returns an error for a capability that s lacks.
func Unsupported(s Store, capability string) *UnsupportedError {
	return &UnsupportedError{Capability: capability, Store: fmt.Sprintf("%T", Base(s))}
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s does not support %s", e.Store, e.Capability)
}

// Is makes the error match [errors.ErrUnsupported].
func (e *UnsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// Definite reports true: nothing was done.
func (e *UnsupportedError) Definite() bool { return true }

// An invalidError matches ErrInvalid and whatever its faults match.
type invalidError struct {
	what   string
	faults []error
}

func (e *invalidError) Error() string {
	texts := make([]string, len(e.faults))
	for i, f := range e.faults {
		texts[i] = f.Error()
	}
	return e.what + ": " + strings.Join(texts, "; ")
}

func (e *invalidError) Unwrap() []error { return append([]error{ErrInvalid}, e.faults...) }

// Invalid returns an error that says what is wrong with what, in one line, and matches
// [ErrInvalid] and all of the faults. Nil faults are left out; without any, it returns nil.
func Invalid(what string, faults ...error) error {
	var found []error
	for _, f := range faults {
		if f != nil {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &invalidError{what: what, faults: found}
}

func checkSize(what string, size, limit int) error {
	if size <= limit {
		return nil
	}
	return fmt.Errorf("%s of %d bytes is %w: the limit is %d bytes", what, size, ErrTooLarge, limit)
}
