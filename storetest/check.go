package storetest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// An Outcome is how a case ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Skipped Outcome = "skipped" // of a capability that the store does not have, or the harness declares away
	Failed  Outcome = "failed"
)

// A CaseResult says how a case ended, and why.
type CaseResult struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	Seconds float64 `json:"seconds"`
	Rule    int     `json:"rule"`          // its number in the documentation of package store
	Says    string  `json:"says"`          // what of it the case enforces
	Log     string  `json:"log,omitempty"` // what went wrong, or why it was skipped
}

// A Selection says which cases to run, and how. Its zero value is what [Run] does.
type Selection struct {
	Full  bool           // every capability is demanded, as with [RunFull]
	Names *regexp.Regexp // only the cases with a name that matches; nil is all
	Steps int            // of the walk beside the model; zero is as many as Run takes
}

// ErrHangs is for a case that goes on although its context has ended.
var ErrHangs = errors.New("the case hangs")

// hangs is how long a case may go on after its context has ended.
const hangs = 30 * time.Second

// Check runs the cases outside of go test, one after the other, and calls report as each one ends. The
// [testing.TB] that the harness gets is then no *testing.T; it has all methods but Setenv and Chdir,
// which fail the case.
//
// Check ends early when ctx does, and returns its cause: the case that is under way is then stopped,
// cleaned up after, and not reported. A case that does not stop within half a minute is an error that
// matches [ErrHangs]; its goroutine stays. Failed cases are no error.
func Check(ctx context.Context, h Harness, sel Selection, report func(CaseResult)) error {
	if h.Open == nil || h.Advance == nil {
		return errIncomplete
	}
	for _, c := range allCases() {
		if sel.Names != nil && !sel.Names.MatchString(c.name) {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if c.name == modelCases[0].name && sel.Steps > 0 {
			c.run = func(t *T) { t.walk(walkSeed, sel.Steps) }
		}
		result, err := c.checkAlone(ctx, h, sel.Full, hangs)
		if err != nil {
			return err
		}
		report(result)
	}
	return nil
}

var errIncomplete = errors.New("storetest: a Harness needs both Open and Advance")

// checkAlone runs the case outside of go test. Its error is that of ctx, or ErrHangs.
func (c *testCase) checkAlone(ctx context.Context, h Harness, full bool, hangs time.Duration) (CaseResult, error) {
	start := time.Now()
	r, ended := record(ctx, c.name, func(tb testing.TB) { c.check(tb, h, full) })
	select {
	case <-ended:
	case <-ctx.Done():
		select {
		case <-ended:
		case <-time.After(hangs):
			return CaseResult{}, fmt.Errorf("%s: %w: %w", c.name, ErrHangs, context.Cause(ctx))
		}
	}
	if err := context.Cause(ctx); err != nil {
		return CaseResult{}, err
	}
	result := CaseResult{Name: c.name, Outcome: Passed, Seconds: time.Since(start).Seconds(), Rule: c.rule, Says: c.says}
	switch {
	case r.Failed():
		result.Outcome, result.Log = Failed, strings.TrimSuffix(strings.TrimSuffix(r.text(), c.verdict()), "\n")
	case r.Skipped():
		result.Outcome, result.Log = Skipped, r.text()
	}
	return result, nil
}
