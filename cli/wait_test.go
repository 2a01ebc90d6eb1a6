package cli_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

func TestWait(t *testing.T) {
	eachStore(t, func(t *testing.T, s *shell) {
		s.config.Handlers = cli.Static(
			firefly.Define("text", func(_ context.Context, text string) (string, error) { return "<" + text + ">", nil }),
			firefly.Define("nothing", firefly.NoResult(func(context.Context, firefly.None) error { return nil })),
			firefly.Define("fails", firefly.NoResult(func(context.Context, firefly.None) error { return errors.New("no luck") })),
		)
		text, nothing, fails := s.schedule(t, "text", `"a"`), s.schedule(t, "nothing"), s.schedule(t, "fails")
		later, cancelled := s.schedule(t, "text", "--delay", "1h"), s.schedule(t, "text", "--delay", "1h")
		if _, err := s.store.Cancel(t.Context(), store.Filter{IDs: []int64{parse(t, cancelled)}}, 0); err != nil {
			t.Fatal(err)
		}
		s.ok(t, "consume", "--drain", "--quiet")

		if got := s.ok(t, "wait", text, "--for", "0s"); got != `"\u003ca\u003e"`+"\n" {
			t.Errorf("text: %q", got)
		}
		if got := s.ok(t, "wait", nothing); got != "null\n" {
			t.Errorf("nothing: %q", got)
		}
		golden(t, "wait.json", s.ok(t, "wait", nothing, "-o", "json"))
		s.fails(t, cli.ExitTaskFailed, "(fails) failed after 1 attempts: no luck", "wait", fails)
		s.fails(t, cli.ExitTaskFailed, "no luck", "wait", fails, "--for", "0s")
		s.fails(t, cli.ExitTaskFailed, "cancelled", "wait", cancelled)
		if r := s.fails(t, cli.ExitTaskFailed, "no luck", "wait", fails, "-o", "json"); idOf(t, r.stdout) != parse(t, fails) {
			t.Errorf("the failed task is not printed: %s", r.stdout)
		}
		s.fails(t, cli.ExitNotFound, "no such task", "wait", "987654")
		s.fails(t, cli.ExitNotYet, "is created, and 20ms is over: not finished yet", "wait", later, "--for", "20ms")
		s.fails(t, cli.ExitNotYet, "not finished yet", "wait", later, "--for", "0")
	})
}

func TestWaitInterrupted(t *testing.T) {
	s := onSQLite(t)
	id := s.schedule(t, "x")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if r := s.runIn(ctx, t, "wait", id); r.code != cli.ExitInterrupted || r.stdout != "" {
		t.Errorf("%+v", r)
	}
}

func TestWaitWrongUsage(t *testing.T) {
	s := onSQLite(t)
	s.fails(t, cli.ExitUsage, "ID is missing", "wait")
	s.fails(t, cli.ExitUsage, `"x" is no task's id`, "wait", "x")
	s.fails(t, cli.ExitUsage, "write a duration as", "wait", "1", "--for", "soon")
}

// hexCodec is one that only the application knows.
type hexCodec struct{ firefly.Codec }

func (hexCodec) Name() string { return "hex" }

func TestWaitForATaskInAnUnknownEncoding(t *testing.T) {
	s := onSQLite(t)
	codec := hexCodec{firefly.JSON}
	client, err := firefly.NewClient(s.store, firefly.ClientConfig{Codec: codec})
	if err != nil {
		t.Fatal(err)
	}
	echo := firefly.Define("echo", func(_ context.Context, n int) (int, error) { return n, nil })
	h, err := echo.Schedule(t.Context(), client, 7)
	if err != nil {
		t.Fatal(err)
	}
	s.config.Handlers = cli.Static(echo)
	s.config.Worker.Codecs = []firefly.Codec{codec}
	s.ok(t, "consume", "--drain", "--quiet")
	if got := s.ok(t, "wait", itoa(h.ID())); strings.TrimSpace(got) != `"7"` {
		t.Errorf("%q is not the stored text, as a string", got)
	}
}
