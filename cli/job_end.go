package cli

import (
	"errors"
	"fmt"

	"github.com/fireflytasks/go-firefly/store"
)

// end prints what became of the job, and returns the error of its command: err, by which it was not
// finished, or what was refused.
func (j *job) end(err error) error {
	if printErr := j.printSummary(err == nil); printErr != nil {
		return errors.Join(err, printErr)
	}
	s := &j.summary
	matched := j.count().String()
	switch refused := len(s.Refused); {
	case err != nil:
		return fmt.Errorf("%w: %s of about %s %s; run the same command again to go on", err, grouped(s.Changed), matched, j.action.past)
	case refused == 0:
		return nil
	case refused == 1:
		return refusedError{fmt.Sprintf("task %d was not %s: %s", s.Refused[0].ID, j.action.past, s.Refused[0].Error), &j.refused}
	default:
		return refusedError{fmt.Sprintf("%s of %s were not %s", grouped(refused), someTasks(s.Matched), j.action.past), &j.refused}
	}
}

const shownRefusals = 20 // that are printed one by one; JSON has all

func (j *job) printSummary(finished bool) error {
	out, s := j.cmd.OutOrStdout(), &j.summary
	if j.json {
		return printJSON(out, s)
	}
	if n := len(s.Refused); n > 1 {
		for _, r := range s.Refused[:min(n, shownRefusals)] {
			if _, err := fmt.Fprintf(j.cmd.ErrOrStderr(), "task %d: %s\n", r.ID, oneLineText(r.Error)); err != nil {
				return err
			}
		}
	}
	more := ""
	if s.Asked > 0 {
		more = fmt.Sprintf(": %s ended, %s still running and asked to end", grouped(s.Changed-s.Asked), grouped(s.Asked))
	}
	if over := s.Matched - s.Changed - int64(len(s.Refused)); finished && over > 0 {
		more += fmt.Sprintf("; passed over %s that changed in between", someTasks(over))
	}
	_, err := fmt.Fprintf(out, "%s %s%s\n", j.action.past, someTasks(s.Changed), more)
	return err
}

// A refusedError says in short that tasks were refused.
type refusedError struct {
	text  string
	batch *store.BatchError
}

func (e refusedError) Error() string { return e.text }
func (e refusedError) Unwrap() error { return e.batch }
