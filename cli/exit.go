package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// The exit codes of the commands.
const (
	ExitOK          = 0
	ExitFailed      = 1   // an error that is none of the others
	ExitUsage       = 2   // the command line, a URL, a filter or params are wrong; nothing was done
	ExitNotFound    = 3   // there is no such task
	ExitTaskFailed  = 4   // the task that was waited for has failed, or was cancelled
	ExitRefused     = 5   // some tasks were refused, a running one say; all others were changed
	ExitUnavailable = 6   // the store cannot be reached, or not at the moment
	ExitNotYet      = 7   // the time to wait was over before the task
	ExitPending     = 8   // the database is to be migrated
	ExitInterrupted = 130 // by Ctrl-C or SIGTERM
	ExitClosedPipe  = 141 // whoever read the output went away
)

// exitCodes are the same for users.
var exitCodes = []struct {
	Code    int
	Meaning string
}{
	{ExitOK, "all is well"},
	{ExitFailed, "it failed, for a reason that is none of the others"},
	{ExitUsage, "wrong usage: nothing was done"},
	{ExitNotFound, "there is no such task"},
	{ExitTaskFailed, "the awaited task failed, or was cancelled"},
	{ExitRefused, "some tasks were refused, a running one say; all others were changed"},
	{ExitUnavailable, "the store cannot be reached, or not at the moment"},
	{ExitNotYet, "the awaited task is not finished yet"},
	{ExitPending, "the database is to be migrated"},
	{ExitInterrupted, "interrupted by Ctrl-C or SIGTERM"},
	{ExitClosedPipe, "the output was closed before all was written"},
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("\nExit codes:")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "\n  %3d  %s", e.Code, e.Meaning)
	}
	return b.String()
}

// A usageError is the caller's: nothing was done.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

var (
	// errInterrupted ends a command that a signal ended.
	errInterrupted = errors.New("interrupted")
	// errNotYet ends one that has waited long enough.
	errNotYet = errors.New("not finished yet")
)

// ExitCode returns the exit code for the error of a command.
func ExitCode(err error) int {
	is := func(target error) bool { return errors.Is(err, target) }
	var usage usageError
	var task *firefly.TaskError
	var batch *store.BatchError
	var network *net.OpError // net.Error would do for a missing file, too: syscall.Errno is one
	switch {
	case err == nil:
		return ExitOK
	case is(syscall.EPIPE):
		return ExitClosedPipe
	case is(errPending):
		return ExitPending
	case is(errInterrupted), is(context.Canceled):
		return ExitInterrupted
	case errors.As(err, &usage):
		return ExitUsage
	case errors.As(err, &task):
		return ExitTaskFailed
	case errors.As(err, &batch):
		return batchCode(batch)
	case is(store.ErrNotFound):
		return ExitNotFound
	case is(store.ErrInvalid), is(store.ErrTooLarge):
		return ExitUsage
	case is(errNotYet):
		return ExitNotYet
	case is(store.ErrUnavailable), is(context.DeadlineExceeded), errors.As(err, &network):
		return ExitUnavailable
	}
	return ExitFailed
}

// batchCode tells tasks that are not there, or invalid, from those that were refused.
func batchCode(e *store.BatchError) int {
	all := func(target error) bool {
		for _, r := range e.Refused {
			if !errors.Is(r.Err, target) {
				return false
			}
		}
		return true
	}
	switch {
	case all(store.ErrNotFound):
		return ExitNotFound
	case all(store.ErrInvalid):
		return ExitUsage
	}
	return ExitRefused
}
