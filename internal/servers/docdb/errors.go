package docdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// transient is the label of errors after which a whole transaction may be tried again.
const transient = "TransientTransactionError"

// A commandError is what a command is answered if it fails.
type commandError struct {
	kind

	message string
	labels  []string
}

// A kind is one of MongoDB's errors.
type kind struct {
	code int32
	name string
}

var (
	internalError     = kind{1, "InternalError"}
	badValue          = kind{2, "BadValue"}
	illegalOperation  = kind{20, "IllegalOperation"}
	cursorNotFound    = kind{43, "CursorNotFound"}
	maxTimeExpired    = kind{50, "MaxTimeMSExpired"}
	commandNotFound   = kind{59, "CommandNotFound"}
	writeConflict     = kind{112, "WriteConflict"}
	conflictingOp     = kind{117, "ConflictingOperationInProgress"}
	transactionTooOld = kind{225, "TransactionTooOld"}
	noSuchTransaction = kind{251, "NoSuchTransaction"}
	transactionOver   = kind{256, "TransactionCommitted"}
	notInTransaction  = kind{263, "OperationNotSupportedInTransaction"}
	duplicateKey      = kind{11000, "DuplicateKey"}
	noChangeStream    = kind{40573, "Location40573"}
)

func (k kind) errorf(format string, values ...any) *commandError {
	return &commandError{kind: k, message: fmt.Sprintf(format, values...)}
}

func (e *commandError) Error() string { return e.message }

// labeled returns the error with a label.
func (e *commandError) labeled(label string) *commandError {
	c := *e
	if !slices.Contains(c.labels, label) {
		c.labels = append(slices.Clone(c.labels), label)
	}
	return &c
}

func (e *commandError) reply() bson.Raw {
	var d bson.D
	if len(e.labels) > 0 {
		d = append(d, bson.E{Key: "errorLabels", Value: e.labels})
	}
	return marshal(append(d, bson.D{
		{Key: "ok", Value: 0.0},
		{Key: "errmsg", Value: e.message},
		{Key: "code", Value: e.code},
		{Key: "codeName", Value: e.name},
	}...))
}

// errUnknown says that nobody knows what became of a command.
var errUnknown = errors.New("unknown outcome")

// asCommandError returns what a client is told of an error, or nil if PostgreSQL is gone, and with
// it the knowledge of what became of the command: then the client has to lose its connection, too.
func asCommandError(err error, namespace string) *commandError {
	const shutDown = "57P" // by an administrator, in a crash, or not yet started
	var told *commandError
	var failed *pgconn.PgError
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &failed) && !strings.HasPrefix(failed.Code, shutDown):
		return fromState(failed.Code, failed.Message, namespace)
	case errors.Is(err, context.DeadlineExceeded):
		return maxTimeExpired.errorf("operation exceeded time limit")
	}
	return nil
}

// isConflict reports whether a command failed because of another that ran beside it.
func isConflict(err error, namespace string) bool {
	told := asCommandError(err, namespace)
	return told != nil && told.kind == writeConflict
}
