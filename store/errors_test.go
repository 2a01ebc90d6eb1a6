package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

var sentinels = map[string]error{
	"ErrLeaseLost":  store.ErrLeaseLost,
	"ErrConflict":   store.ErrConflict,
	"ErrTxTooLarge": store.ErrTxTooLarge,
	"ErrTxDone":     store.ErrTxDone,
	"ErrClosed":     store.ErrClosed,
	"ErrNotFound":   store.ErrNotFound,
	"ErrInvalid":    store.ErrInvalid,
	"ErrTooLarge":   store.ErrTooLarge,
	"ErrRunning":    store.ErrRunning,
	"ErrDuplicate":  store.ErrDuplicate,
	"ErrNoAttempt":  store.ErrNoAttempt,
}

func TestEverySentinelIsDefinite(t *testing.T) {
	for name, sentinel := range sentinels {
		t.Run(name, func(t *testing.T) {
			for how, err := range map[string]error{
				"alone":   sentinel,
				"wrapped": fmt.Errorf("complete task 7: %w", sentinel),
				"joined":  errors.Join(errors.New("first"), sentinel),
			} {
				if !store.IsDefinite(err) {
					t.Errorf("%s: not definite", how)
				}
				if !errors.Is(err, sentinel) {
					t.Errorf("%s: does not match itself", how)
				}
			}
		})
	}
}

func TestSentinelsAreDistinct(t *testing.T) {
	for name, sentinel := range sentinels {
		for other, err := range sentinels {
			if name != other && errors.Is(sentinel, err) {
				t.Errorf("%s matches %s", name, other)
			}
		}
	}
}

type indefiniteError struct{ error }

func (indefiniteError) Definite() bool { return false }

func TestIsDefinite(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, true},
		{"any other error", errors.New("connection reset"), false},
		{"an ended context", context.Canceled, false},
		{"a deadline", fmt.Errorf("insert: %w", context.DeadlineExceeded), false},
		{"one that says no", indefiniteError{errors.New("timed out")}, false},
		{"a batch error", &store.BatchError{Op: "fail", Refused: []store.Refusal{{Err: errors.New("x")}}}, true},
		{"a wrapped batch error", fmt.Errorf("flush: %w", &store.BatchError{Op: "fail"}), true},
		{"an unsupported capability", store.Unsupported(&fakeStore{}, "Getter"), true},
		{"an invalid argument", store.Invalid("claim", errors.New("no lease")), true},
		{"a marked error", store.Definite(errors.New("syntax error")), true},
		{"a wrapped marked error", fmt.Errorf("insert: %w", store.Definite(errors.New("x"))), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := store.IsDefinite(tc.err); got != tc.want {
				t.Errorf("IsDefinite is %t for %v", got, tc.err)
			}
		})
	}
}

func TestDefinite(t *testing.T) {
	t.Run("nil stays nil", func(t *testing.T) {
		if err := store.Definite(nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("keeps text and identity", func(t *testing.T) {
		err := store.Definite(context.Canceled)
		if !errors.Is(err, context.Canceled) || err.Error() != context.Canceled.Error() {
			t.Errorf("got %v", err)
		}
	})
	t.Run("leaves a definite error as it is", func(t *testing.T) {
		if got, want := fmt.Sprintf("%#v", store.Definite(store.ErrClosed)), fmt.Sprintf("%#v", store.ErrClosed); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestBatchError(t *testing.T) {
	t.Run("is nil without refusals", func(t *testing.T) {
		var e store.BatchError
		if err := e.OrNil(); err != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("names tasks, or else positions", func(t *testing.T) {
		e := &store.BatchError{Op: "complete"}
		e.Refuse(0, 41, store.ErrLeaseLost)
		e.Refuse(2, 0, errors.New("no name"))
		want := "complete task 41: the lease does not hold the task any more; item 2: no name"
		if got := e.OrNil().Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("matches every reason, however many", func(t *testing.T) {
		e := &store.BatchError{Op: "insert"}
		for i := range 50 {
			e.Refuse(i, 0, store.ErrLeaseLost)
		}
		e.Refuse(50, 0, store.Unsupported(&fakeStore{}, "Getter"))
		err := fmt.Errorf("flush: %w", e.OrNil())
		var unsupported *store.UnsupportedError
		if !errors.Is(err, store.ErrLeaseLost) || !errors.As(err, &unsupported) {
			t.Errorf("%v does not match its reasons", err)
		}
		if errors.Is(err, store.ErrClosed) {
			t.Errorf("%v matches what is no reason", err)
		}
		var batch *store.BatchError
		if !errors.As(err, &batch) || len(batch.Refused) != 51 {
			t.Errorf("%v lost its refusals", err)
		}
	})
	t.Run("has a short text, however many", func(t *testing.T) {
		e := &store.BatchError{Op: "insert"}
		for i := range 1000 {
			e.Refuse(i, int64(i+1), store.ErrLeaseLost)
		}
		const most = 250
		if text := e.Error(); len(text) > most || !strings.HasSuffix(text, "; and 997 more") {
			t.Errorf("the text has %d bytes: %q", len(text), text)
		}
	})
}

func TestUnsupportedError(t *testing.T) {
	err := error(store.Unsupported(wrapper{&fakeStore{}}, "Getter"))
	if !errors.Is(fmt.Errorf("wait: %w", err), errors.ErrUnsupported) {
		t.Error("it does not match errors.ErrUnsupported")
	}
	if errors.Is(err, store.ErrNotFound) {
		t.Error("it matches ErrNotFound")
	}
	if want := "*store_test.fakeStore does not support Getter"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestInvalid(t *testing.T) {
	t.Run("is nil without faults", func(t *testing.T) {
		if err := store.Invalid("claim", nil, nil); err != nil {
			t.Error(err)
		}
	})
	t.Run("matches ErrInvalid and each fault", func(t *testing.T) {
		err := store.Invalid("claim", errors.New("no lease"), nil, fmt.Errorf("worker is %w", store.ErrTooLarge))
		if want := "claim: no lease; worker is too large"; err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
		if !errors.Is(err, store.ErrInvalid) || !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("%v does not match", err)
		}
	})
}

func TestAttemptErrorIsItsText(t *testing.T) {
	if got := (&store.AttemptError{Attempt: 2, Text: "no such host"}).Error(); got != "no such host" {
		t.Errorf("got %q", got)
	}
}
