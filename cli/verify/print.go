package verify

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fireflytasks/go-firefly/storetest"
)

func (r *Result) add(c storetest.CaseResult) {
	r.Cases = append(r.Cases, c)
	switch c.Outcome {
	case storetest.Passed:
		r.Passed++
	case storetest.Skipped:
		r.Skipped++
	default:
		r.Failed++
	}
}

// printCase prints a case that has ended: a line, and beneath it what went wrong.
func printCase(w io.Writer, c *storetest.CaseResult) error {
	const indent = "      "
	text := "ok    " + c.Name
	switch c.Outcome {
	case storetest.Passed:
	case storetest.Skipped:
		text = "skip  " + c.Name + ": " + c.Log
	case storetest.Failed:
		text = fmt.Sprintf("FAIL  %s\nrule %d: %s\n%s", c.Name, c.Rule, c.Says, c.Log)
		text = strings.ReplaceAll(text, "\n", "\n"+indent)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

func (r *Result) printSummary(w io.Writer) error {
	unit := time.Second
	took := time.Duration(r.Seconds * float64(time.Second))
	if took < 10*time.Second {
		unit = 100 * time.Millisecond
	}
	_, err := fmt.Fprintf(w, "%d cases passed, %d skipped, %d failed in %s\n", r.Passed, r.Skipped, r.Failed, took.Round(unit))
	return err
}
