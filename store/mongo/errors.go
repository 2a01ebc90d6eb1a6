package mongo

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"

	"github.com/fireflytasks/go-firefly/store"
)

// The server's codes that matter here.
const (
	codeUnauthorized     = 13
	codeAuthentication   = 18
	codeLockTimeout      = 24
	codeNamespaceExists  = 48
	codeWriteConflict    = 112
	codeNoSuchTx         = 251
	codeNotPrimary       = 10107
	codeNotPrimaryNoSec  = 13435
	codeDocumentTooLarge = 10334
	codeUpdateTooLarge   = 17419
	codePushTooLarge     = 17420
	codeDuplicateKey     = 11000
	codeNoChangeStreams  = 115   // CommandNotSupported
	codeUnknownStage     = 40324 // of an aggregation
	codeNotReplicated    = 40573 // $changeStream, on a stand-alone server
)

const (
	labelTransient     = "TransientTransactionError" // of errors in a transaction, which is over, and of unsent ones
	labelUnknownCommit = "UnknownTransactionCommitResult"
	labelNetwork       = "NetworkError"
	labelRetryable     = "RetryableWriteError"
)

func hasCode(err error, codes ...int) bool {
	var server mongo.ServerError
	if !errors.As(err, &server) {
		return false
	}
	return slices.ContainsFunc(codes, server.HasErrorCode)
}

func hasLabel(err error, label string) bool {
	var labeled mongo.LabeledError
	return errors.As(err, &labeled) && labeled.HasErrorLabel(label)
}

func tooLarge(err error) bool {
	return errors.Is(err, driver.ErrDocumentTooLarge) || hasCode(err, codeDocumentTooLarge, codeUpdateTooLarge, codePushTooLarge)
}

// explain says what to do about the errors that have a remedy, and marks as definite those that prove
// that nothing was changed: what the server refuses, and what was never sent. A server that stops or
// steps down may do so in the middle of a command, and a lost connection proves nothing.
func (s *Store) explain(err error) error {
	if err == nil || store.IsDefinite(err) {
		return err
	}
	var selection topology.ServerSelectionError
	var queue topology.WaitQueueTimeoutError
	var refused *auth.Error
	switch {
	case errors.As(err, &refused), hasCode(err, codeAuthentication):
		return store.Definite(fmt.Errorf("the server refuses the user or its password: %w", oneLine(err)))
	case errors.As(err, &selection):
		return fmt.Errorf("%w: no server can be reached that takes writes: %w", store.ErrUnavailable, oneLine(err))
	case errors.As(err, &queue):
		return fmt.Errorf("%w: all connections of the client are in use: raise its maxPoolSize: %w", store.ErrUnavailable, oneLine(err))
	case unsent(err):
		return fmt.Errorf("%w: the client's connections were just lost: %w", store.ErrUnavailable, oneLine(err))
	case unproven(err):
		return oneLine(err)
	case hasCode(err, codeUnauthorized):
		return store.Definite(fmt.Errorf("the user lacks a right: grant it readWrite on database %s: %w", s.db.Name(), oneLine(err)))
	case hasCode(err, codeNotPrimary, codeNotPrimaryNoSec):
		return fmt.Errorf("%w: the server is not the primary any more: %w", store.ErrUnavailable, oneLine(err))
	case hasCode(err, codeWriteConflict, codeNoSuchTx, codeLockTimeout):
		return fmt.Errorf("%w: %w", store.ErrConflict, oneLine(err))
	case tooLarge(err):
		return fmt.Errorf("%w for a document of MongoDB: the limit is %d bytes for params, result, errors and children together: %w",
			store.ErrTooLarge, maxDocument, oneLine(err))
	case proof(err):
		return store.Definite(oneLine(err))
	default:
		return oneLine(err)
	}
}

// explainInTx explains the error of what was done in a transaction that is not committed: whatever it is,
// nothing was changed, and an error that ends the transaction is a conflict.
func (s *Store) explainInTx(err error) error {
	if hasLabel(err, labelTransient) && !store.IsDefinite(err) {
		return fmt.Errorf("%w: %w", store.ErrConflict, oneLine(err))
	}
	return store.Definite(s.explain(err))
}

// unsent reports whether a command never left, because the client's connections had been lost. The driver
// labels these errors as transient in and outside of transactions, and a repeated command has the error of
// the first time.
func unsent(err error) bool {
	var pool driver.RetryablePoolError
	return errors.As(err, &pool) && pool.Retryable()
}

// unproven reports whether a write may have been made, whatever the error's code is: the server waited for
// a majority in vain, or the driver has sent it twice, and the error is about the second time.
func unproven(err error) bool {
	var write mongo.WriteException
	return errors.As(err, &write) && write.WriteConcernError != nil ||
		hasLabel(err, labelNetwork) || hasLabel(err, labelRetryable) || hasLabel(err, labelUnknownCommit)
}

// proof reports whether the server itself refused the whole command.
func proof(err error) bool {
	var command mongo.CommandError
	return errors.As(err, &command) && command.Code != 0 && !interrupted(int(command.Code))
}

// interrupted reports whether a code is of a command that may have been stopped in its middle: a
// server that is shut down or stepped down, an operation that was killed or ran out of time.
func interrupted(code int) bool {
	switch code {
	case 50, 64, 89, 91, 175, 189, 237, 262, 290, 11600, 11601, 11602:
		return true
	default:
		return false
	}
}

// inDoubt explains the error of a write outside of transactions. After one whose outcome is unknown
// the counts may be wrong.
func (s *Store) inDoubt(err error) error {
	var bulk mongo.BulkWriteException
	var doubtful doubtfulError
	switch {
	case errors.As(err, &doubtful):
		return err
	case errors.As(err, &bulk): // of its items some were applied
		err = oneLine(err)
	default:
		err = s.explain(err)
	}
	if err != nil && !store.IsDefinite(err) {
		s.work.doubted()
	}
	return err
}

// afterwards explains the error of a call that may have changed something before: whatever it proves
// for itself, the outcome of the call is unknown.
func (s *Store) afterwards(err error) error {
	if err == nil {
		return nil
	}
	s.work.doubted()
	return doubtfulError{s.explain(err)}
}

type doubtfulError struct{ error }

func (e doubtfulError) Unwrap() error  { return e.error }
func (e doubtfulError) Definite() bool { return false }

// A oneLineError is an error whose text is folded to a line: the driver's describe each server on its
// own.
type oneLineError struct{ error }

func oneLine(err error) error {
	if !strings.ContainsRune(err.Error(), '\n') {
		return err
	}
	return oneLineError{err}
}

func (e oneLineError) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e oneLineError) Unwrap() error { return e.error }

// reading explains the error of what changes nothing.
func (s *Store) reading(err error) error { return store.Definite(s.explain(err)) }
