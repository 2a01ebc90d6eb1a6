package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"time"

	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
	"github.com/fireflytasks/go-firefly/storetest"
)

// Options say what to run. Their zero value is the whole kit.
type Options struct {
	Run   *regexp.Regexp // only the cases with a name that matches; nil is all
	Steps int            // of the random walk beside the model; zero is what the kit takes under go test
}

// A Result is what became of the cases that have ended.
type Result struct {
	Cases   []storetest.CaseResult `json:"cases"` // in the order in which they ran
	Passed  int                    `json:"passed"`
	Skipped int                    `json:"skipped"`
	Failed  int                    `json:"failed"`
	Seconds float64                `json:"seconds"`
}

// Run runs the cases against the database that url names, and prints a line to w as each one ends, with
// the rule and the log where it has failed, and then a summary. Failed cases are in the result; an error is
// that the database cannot be used, that something of the scratch stores is left, which it names, that w
// fails, or that ctx has ended. Then the case that is under way is stopped, cleaned up after, and in no
// result. No error and nothing printed shows a password of the URL.
//
// It is the one user of stores of that kind in its process: a case looks for goroutines that a store
// leaves behind.
func Run(ctx context.Context, url string, w io.Writer, opts Options) (Result, error) {
	if opts.Steps < 0 {
		return Result{}, store.Invalid("verify", fmt.Errorf("%d steps: give none or more", opts.Steps))
	}
	b := bench{url: url, open: open.Scratch}
	return b.run(ctx, w, opts)
}

// run runs the cases on the stores of the bench.
func (b *bench) run(ctx context.Context, w io.Writer, opts Options) (r Result, err error) {
	start := time.Now()
	harness, err := b.harness(ctx)
	if err != nil {
		return r, errors.Join(err, b.clear(ctx))
	}
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	sel := storetest.Selection{Full: true, Names: opts.Run, Steps: opts.Steps}
	var unprinted error
	err = storetest.Check(running, harness, sel, func(c storetest.CaseResult) {
		r.add(c)
		if unprinted = printCase(w, &c); unprinted != nil {
			stop(unprinted)
		}
	})
	r.Seconds = time.Since(start).Seconds()
	if ctx.Err() != nil && !errors.Is(err, storetest.ErrHangs) {
		err = fmt.Errorf("verify: stopped after %d cases: %w", len(r.Cases), ctx.Err())
	}
	if err == nil && len(r.Cases) == 0 {
		err = store.Invalid("verify", fmt.Errorf("no case has a name that matches %s", opts.Run))
	}
	err = errors.Join(err, b.clear(ctx))
	if len(r.Cases) > 0 && unprinted == nil {
		err = errors.Join(err, r.printSummary(w))
	}
	return r, err
}

// quiet keeps what the stores log, that a server may lose what was written above all, from between the
// lines of the cases.
var quiet = open.Logger(slog.New(slog.DiscardHandler))

// oneWriter reports whether an open transaction of a store keeps all other writes waiting.
func oneWriter(s store.Store) bool {
	_, is := store.As[*sqlite.Store](s)
	return is
}
