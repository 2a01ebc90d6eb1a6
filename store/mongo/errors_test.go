package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

func command(code int32, labels ...string) error {
	return driver.CommandError{Code: code, Message: "no", Labels: labels}
}

// unsent is what the driver says of a command for which there was no connection, because all had been lost.
func unsent() error {
	return driver.CommandError{
		Message: "no", Labels: []string{"TransientTransactionError"}, Wrapped: fmt.Errorf("check\nout: %w", clearedPoolError{}),
	}
}

type clearedPoolError struct{}

func (clearedPoolError) Error() string   { return "connection pool was cleared" }
func (clearedPoolError) Retryable() bool { return true }

// unsure is a write that was made, but maybe not by a majority.
func unsure(code int) error {
	return driver.WriteException{WriteConcernError: &driver.WriteConcernError{Code: code, Message: "waiting for\nreplication"}}
}

func refusedWrite(code int) error {
	return driver.WriteException{WriteErrors: driver.WriteErrors{{Code: code, Message: "no"}}}
}

func bulk(failed driver.WriteError, concern *driver.WriteConcernError) error {
	return driver.BulkWriteException{WriteErrors: []driver.BulkWriteError{{WriteError: failed}}, WriteConcernError: concern}
}

// What becomes of the driver's errors: one line that says what to do, and proof that nothing was changed
// only where there is one.
func TestErrors(t *testing.T) {
	s, err := mongo.New(connect(t, "mongodb://127.0.0.1:1", "tasks"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	const network, retryable = "NetworkError", "RetryableWriteError"
	lost := errors.New("connection reset\n by peer")
	for name, test := range map[string]struct {
		err      error
		definite bool
		is       error  // nil is no error of package store
		want     string // part of the text
	}{
		"no server": {
			topology.ServerSelectionError{Wrapped: errors.New("deadline\nexceeded")}, true, store.ErrUnavailable, "no server can be reached",
		},
		"no connection is free": {topology.WaitQueueTimeoutError{Wrapped: context.DeadlineExceeded}, true, store.ErrUnavailable, "raise its maxPoolSize"},
		"wrong password": {
			topology.ConnectionError{Wrapped: fmt.Errorf("handshake:\n%w", &auth.Error{})}, true, nil, "refuses the user or its password",
		},
		"authentication failed":    {command(18), true, nil, "refuses the user or its password"},
		"no right":                 {command(13), true, nil, "grant it readWrite on database tasks"},
		"a right to one of two":    {bulk(driver.WriteError{Code: 13, Message: "no\nright"}, nil), false, nil, "right"},
		"bad value":                {command(2), true, nil, "no"},
		"not the primary":          {command(10107), true, store.ErrUnavailable, "not the primary any more"},
		"a secondary":              {command(13435), true, store.ErrUnavailable, "not the primary any more"},
		"not the primary, twice":   {command(10107, retryable), false, nil, "no"},
		"stepped down meanwhile":   {command(189), false, nil, "no"},
		"stepped down, labelled":   {command(189, retryable), false, nil, "no"},
		"interrupted by that":      {command(11602, retryable), false, nil, "no"},
		"interrupted by shutdown":  {command(11600), false, nil, "no"},
		"shut down":                {command(91, retryable), false, nil, "no"},
		"killed":                   {command(11601), false, nil, "no"},
		"out of time":              {command(50), false, nil, "no"},
		"not replicated in time":   {unsure(64), false, nil, "waiting for replication"},
		"not replicated any more":  {unsure(10107), false, nil, "waiting for replication"},
		"not replicated, conflict": {unsure(112), false, nil, "waiting for replication"},
		"lost connection": {
			driver.CommandError{Message: "lost", Labels: []string{network, retryable}, Wrapped: lost}, false, nil, "connection reset by peer",
		},
		"lost connection, raw":   {topology.ConnectionError{Wrapped: lost}, false, nil, "connection reset by peer"},
		"commit in doubt":        {command(24, "UnknownTransactionCommitResult"), false, nil, "no"},
		"conflict":               {command(112, "TransientTransactionError"), true, store.ErrConflict, "no"},
		"conflict of one write":  {refusedWrite(112), true, store.ErrConflict, "no"},
		"never sent":             {unsent(), true, store.ErrUnavailable, "connections were just lost"},
		"transaction is gone":    {command(251, "TransientTransactionError"), true, store.ErrConflict, "no"},
		"lock":                   {command(24), true, store.ErrConflict, "no"},
		"too large":              {command(10334), true, store.ErrTooLarge, "params, result, errors and children"},
		"too large by an update": {refusedWrite(17419), true, store.ErrTooLarge, "params, result, errors and children"},
		"too large by a push":    {refusedWrite(17420), true, store.ErrTooLarge, "params, result, errors and children"},
		"some of many":           {bulk(driver.WriteError{Code: 11000, Message: "duplicate\nkey"}, nil), false, nil, "duplicate key"},
		"some, not replicated":   {bulk(driver.WriteError{Code: 10334}, &driver.WriteConcernError{Code: 64}), false, nil, ""},
		"context ended":          {fmt.Errorf("find:\n%w", context.Canceled), false, context.Canceled, "find"},
		"deadline":               {driver.CommandError{Labels: []string{network}, Wrapped: context.DeadlineExceeded}, false, context.DeadlineExceeded, ""},
		"anything else":          {errors.New("anything\nelse"), false, nil, "anything else"},
		"known before":           {fmt.Errorf("here: %w", store.ErrLeaseLost), true, store.ErrLeaseLost, "here"},
	} {
		t.Run(name, func(t *testing.T) {
			got := mongo.InDoubt(s, test.err)
			text := got.Error()
			if store.IsDefinite(got) != test.definite || !strings.Contains(text, test.want) || strings.Contains(text, "\n") {
				t.Errorf("%q, definite: %t; want %t, and one line with %q", text, !test.definite, test.definite, test.want)
			}
			for _, is := range []error{store.ErrUnavailable, store.ErrConflict, store.ErrTooLarge} {
				if errors.Is(got, is) != (test.is == is) { //nolint:errorlint // it is the table's
					t.Errorf("%q matches %q: %t", text, is, errors.Is(got, is))
				}
			}
			if test.is != nil && !errors.Is(got, test.is) {
				t.Errorf("%q does not match %q", text, test.is)
			}
			if cause := errors.Unwrap(test.err); cause != nil && !errors.Is(got, cause) {
				t.Errorf("%q does not match its cause %q", text, cause)
			}
			if read := mongo.Reading(s, test.err); !store.IsDefinite(read) {
				t.Errorf("of a read: %q is not definite", read)
			}
		})
	}
	if mongo.InDoubt(s, nil) != nil || mongo.Reading(s, nil) != nil {
		t.Error("no error becomes one")
	}
}

// In a transaction that is not committed nothing was changed, whatever the error.
func TestErrorsInTransactions(t *testing.T) {
	s, err := mongo.New(connect(t, "mongodb://127.0.0.1:1", "tasks"), quiet())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		err error
		is  error
	}{
		"lost connection":     {command(0, "NetworkError", "TransientTransactionError"), store.ErrConflict},
		"never sent":          {unsent(), store.ErrConflict},
		"transaction is gone": {command(251, "TransientTransactionError"), store.ErrConflict},
		"no server":           {topology.ServerSelectionError{Wrapped: errors.New("deadline")}, store.ErrUnavailable},
		"too large":           {command(10334), store.ErrTooLarge},
		"known before":        {fmt.Errorf("here: %w", store.ErrLeaseLost), store.ErrLeaseLost},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mongo.InTx(s, test.err); !store.IsDefinite(got) || !errors.Is(got, test.is) {
				t.Errorf("%q, definite: %t; want %v", got, store.IsDefinite(got), test.is)
			}
		})
	}
}

func TestConflicted(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"conflict":            {command(112, "TransientTransactionError"), true},
		"without the label":   {fmt.Errorf("charge: %w", command(112)), true},
		"of one write":        {refusedWrite(112), true},
		"transaction is gone": {command(251, "TransientTransactionError"), true},
		"duplicate key":       {command(11000), false},
		"somebody else's":     {errors.New("no stock"), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := mongo.Conflicted(test.err); got != test.want {
				t.Errorf("%v: %t", test.err, got)
			}
		})
	}
}
