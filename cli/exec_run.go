package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

const (
	// exitPermanent is the exit code of a command whose task no retry will cure.
	exitPermanent = 100
	// mostErrorText is how many bytes of the standard error are kept: the last ones.
	mostErrorText = 4 << 10
	// killAfter is the time between SIGTERM and SIGKILL. Twice as long is less than what the engine
	// waits for a handler that it has cancelled.
	killAfter = 2 * time.Second
	// outputDelay is how long a command's output is waited for that something in the background,
	// which it has left, may still write to.
	outputDelay = time.Second
)

// run runs the command and judges how it ended.
func (c command) run(ctx context.Context, info firefly.Info, params []byte, mostOutput int) (json.RawMessage, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stdout := &output{most: mostOutput, full: func() {
		stop(firefly.Permanent(fmt.Errorf("the output is %w: more than %d bytes", store.ErrTooLarge, mostOutput)))
	}}
	stderr := &tail{most: mostErrorText}
	cmd := shell(ctx, c.text)
	cmd.Env = append(os.Environ(), "FIREFLY_TASK_ID="+strconv.FormatInt(info.Task.ID, 10), "FIREFLY_TASK_NAME="+info.Task.Name,
		"FIREFLY_QUEUE="+info.Task.Queue, "FIREFLY_ATTEMPT="+strconv.Itoa(info.Attempt))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(params), stdout, stderr
	cmd.Cancel = func() error { return endGroup(cmd.Process.Pid) }
	cmd.WaitDelay = outputDelay
	err := cmd.Run()
	said := stderr.String()
	switch state := cmd.ProcessState; {
	case ctx.Err() != nil:
		return nil, because(context.Cause(ctx), said)
	case state == nil:
		return nil, fmt.Errorf("run the command: %w", err)
	case state.ExitCode() == exitPermanent:
		return nil, firefly.Permanent(because(errors.New(state.String()), said))
	case !state.Success():
		return nil, because(errors.New(state.String()), said)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return nil, because(err, said)
	}
	if said != "" {
		info.Logger().Info("firefly: the command wrote to its standard error", "text", said)
	}
	return stdout.result()
}

// because adds what a command said to an error.
func because(err error, said string) error {
	if said == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, said)
}

// An output is what a command prints. More than most bytes are not kept.
type output struct {
	kept []byte
	most int
	full func() // called if there is more
}

func (o *output) Write(p []byte) (int, error) {
	if len(o.kept)+len(p) > o.most {
		o.full()
		return len(p), nil
	}
	o.kept = append(o.kept, p...)
	return len(p), nil
}

// result is the output as JSON: as it is, or else as a string. None is null.
func (o *output) result() (json.RawMessage, error) {
	switch {
	case len(bytes.TrimSpace(o.kept)) == 0:
		return json.RawMessage("null"), nil
	case json.Valid(o.kept) && utf8.Valid(o.kept):
		return o.kept, nil
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(o.kept), "\n"), "\r")
	return json.Marshal(line)
}

// A tail keeps the end of what is written to it.
type tail struct {
	most int
	kept []byte
	cut  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.most; over > 0 {
		t.kept, t.cut = append(t.kept[:0], t.kept[over:]...), true
	}
	return len(p), nil
}

// String is fit to be shown: without control characters, but for line breaks.
func (t *tail) String() string {
	lines := strings.Split(strings.ToValidUTF8(string(t.kept), ""), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(oneLineText(line), " ")
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	if t.cut {
		text = "…" + text
	}
	return text
}
