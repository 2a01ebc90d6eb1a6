package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

// A display shows what a watch sees.
type display interface {
	show(s *stats) error
	// trouble tells that the last look failed, and that there will be another.
	trouble(err error) error
	// end leaves the display as it was found.
	end() error
}

// watch looks until the context ends, which is no error. The first look has to succeed.
func (a *app) watch(cmd *cobra.Command, s store.Store, interval time.Duration) (err error) {
	to := a.display(cmd, interval)
	defer func() { err = errors.Join(err, to.end()) }()
	ctx := cmd.Context()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for last := (*stats)(nil); ; {
		now, err := takeStats(ctx, s)
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			now.watched = true
			if last != nil {
				now.since(last)
			}
			last = now
			err = to.show(now)
		case last != nil: // whatever it is: who watches decides when to give up
			err = to.trouble(err)
		}
		if err != nil {
			return err
		}
		if !next(ctx, tick.C) {
			return nil
		}
	}
}

// next waits for the tick, and reports whether ctx goes on.
func next(ctx context.Context, tick <-chan time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-tick:
		return true
	}
}

func (a *app) display(cmd *cobra.Command, interval time.Duration) display {
	w := cmd.OutOrStdout()
	switch {
	case a.format == formatJSON:
		return &lines{out: w, err: cmd.ErrOrStderr(), json: true}
	case canDraw(w):
		return &screen{w: w, interval: interval}
	}
	return &lines{out: w, err: cmd.ErrOrStderr()}
}

// Lines shows one look after the other.
type lines struct {
	out, err io.Writer
	json     bool
	begun    bool
}

func (l *lines) show(s *stats) error {
	var b bytes.Buffer
	if l.json {
		if err := printJSON(&b, s); err != nil {
			return err
		}
		var line bytes.Buffer
		if err := json.Compact(&line, b.Bytes()); err != nil {
			return err
		}
		_, err := fmt.Fprintf(l.out, "%s\n", line.Bytes())
		return err
	}
	if l.begun {
		b.WriteByte('\n')
	}
	l.begun = true
	fmt.Fprintln(&b, s.At)
	t := s.table()
	if err := t.print(&b, wantsColor(l.out)); err != nil {
		return err
	}
	_, err := l.out.Write(b.Bytes())
	return err
}

func (l *lines) trouble(err error) error {
	_, err = fmt.Fprintf(l.err, "%s: trying again\n", oneLine(err))
	return err
}

func (l *lines) end() error { return nil }
