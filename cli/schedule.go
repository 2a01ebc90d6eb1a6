package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

type scheduleFlags struct {
	queue      string
	eta        timeFlag
	delay      time.Duration
	maxRetries int
	retryDelay time.Duration
	priority   int
	unique     string
	replace    bool
	timeout    time.Duration
}

func (a *app) scheduleCommand() *cobra.Command {
	var f scheduleFlags
	cmd := &cobra.Command{
		Use:   "schedule NAME [PARAMS]",
		Short: "Schedule a task",
		Long: `Schedule a task by its name, with PARAMS, which are JSON: "-" reads them from the standard input,
none are null. They are stored as JSON, whatever codec an application has: all workers read it.`,
		Example: `  firefly schedule mail.send '{"to": "a@example.org"}'
  firefly schedule math.add '[1, 2]' --queue numbers --delay 1h30m --max-retries 3
  firefly schedule report.make --eta "2026-01-31 06:00" --unique report
  firefly schedule math.negate -- -5`,
		Args: func(cmd *cobra.Command, args []string) error {
			names := []string{"NAME", "PARAMS"}
			return exactArgs(names[:min(max(len(args), 1), len(names))]...)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			call, err := f.call(cmd, args)
			if err != nil {
				return err
			}
			return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
				return a.schedule(cmd, s, call)
			})(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.queue, "queue", "", `the queue that the task waits in (default "default")`)
	flags.Var(&f.eta, "eta", `run it not before this time: "2026-01-31 15:04" in local time, or of RFC 3339`)
	durationVar(cmd, &f.delay, "delay", "run it not before so long from now: 90s, 1h30m, 7d")
	flags.IntVar(&f.maxRetries, "max-retries", 0, "run it again up to so often if it fails")
	durationVar(cmd, &f.retryDelay, "retry-delay", "the time between a failed run and its retry (default 2m)")
	flags.IntVar(&f.priority, "priority", 0, "from -2 to 2: higher is sooner")
	flags.StringVar(&f.unique, "unique", "", "schedule nothing if there is an unfinished task with this key")
	flags.BoolVar(&f.replace, "replace", false, "with --unique: let a task that waits under the key take over params, times and settings")
	durationVar(cmd, &f.timeout, "timeout", "how long each run may take (default: no limit)")
	return cmd
}

// call makes the task of the command line. What is not given is left to the client's defaults.
func (f *scheduleFlags) call(cmd *cobra.Command, args []string) (*firefly.Call[firefly.None], error) {
	given := cmd.Flags().Changed
	switch {
	case given("eta") && given("delay"):
		return nil, usagef("--eta and --delay exclude each other")
	case f.replace && f.unique == "":
		return nil, usagef("--replace needs --unique")
	}
	params := json.RawMessage("null")
	if len(args) > 1 {
		var err error
		if params, err = readParams(cmd, args[1]); err != nil {
			return nil, err
		}
	}
	unique := firefly.Unique(f.unique)
	if f.replace {
		unique = firefly.UniqueReplace(f.unique)
	}
	var options []firefly.ScheduleOption
	for _, o := range []struct {
		flag   string
		option firefly.ScheduleOption
	}{
		{"queue", firefly.Queue(f.queue)},
		{"eta", firefly.ETA(time.Time(f.eta))},
		{"delay", firefly.Delay(f.delay)},
		{"max-retries", firefly.MaxRetries(f.maxRetries)},
		{"retry-delay", firefly.RetryDelay(f.retryDelay)},
		{"priority", firefly.Priority(f.priority)},
		{"unique", unique},
		{"timeout", firefly.Timeout(f.timeout)},
	} {
		if given(o.flag) {
			options = append(options, o.option)
		}
	}
	return firefly.Declare[json.RawMessage, firefly.None](args[0]).Call(params, options...), nil
}

// schedule stores the task and says what became of it.
func (a *app) schedule(cmd *cobra.Command, s store.Store, call *firefly.Call[firefly.None]) error {
	cfg := a.config.Client
	cfg.Codec = firefly.JSON
	if cfg.Logger == nil {
		cfg.Logger = a.logger(cmd)
	}
	client, err := firefly.NewClient(s, cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), callTimeout)
	defer cancel()
	if err := client.ScheduleMany(ctx, call); err != nil {
		return err
	}
	h := call.Handle()
	task, became := h.Scheduled(), "is scheduled"
	if h.Existing() {
		became = "has the unique key, and was replaced"
		if task.Name == "" {
			became = "has the unique key already, so nothing was scheduled"
		}
		if task, err = h.Task(ctx); err != nil {
			return fmt.Errorf("task %d %s: %w", h.ID(), became, err)
		}
	}
	if a.format == formatJSON {
		if h.Existing() {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "task %d %s\n", task.ID, became)
		}
		return printJSON(cmd.OutOrStdout(), task)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "task %d (%s) %s: queue %s, %s\n", task.ID, task.Name, became, task.Queue, whenDue(&task))
	return err
}

// whenDue says it for people, who may give it to --eta again.
func whenDue(t *store.Task) string {
	wait := t.Due.Sub(t.Created)
	switch {
	case t.Status != store.Created:
		return string(t.Status)
	case wait <= 0:
		return "due now"
	}
	return "due " + instant(t.Due)
}

// readParams returns the params of the command line, or of the standard input.
func readParams(cmd *cobra.Command, text string) (json.RawMessage, error) {
	params := []byte(text)
	if text == "-" {
		var err error
		if params, err = readAll(cmd.Context(), cmd.InOrStdin()); err != nil {
			return nil, fmt.Errorf("read PARAMS from the standard input: %w", err)
		}
	}
	return params, checkJSON(params)
}

// readAll reads as much as a store may take, and a little more, so that it is refused. It waits no
// longer than ctx: a terminal may never say anything.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		read []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		read, err := io.ReadAll(io.LimitReader(r, store.MaxPayload+1))
		done <- result{read, err}
	}()
	select {
	case r := <-done:
		return r.read, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// checkJSON says what is wrong with params, and where.
func checkJSON(params []byte) error {
	if len(params) > store.MaxPayload {
		return usagef("PARAMS are %w: no store takes more than %d bytes", store.ErrTooLarge, store.MaxPayload)
	}
	err := json.Unmarshal(params, new(json.RawMessage))
	if err == nil && utf8.Valid(params) {
		return nil
	}
	if err == nil {
		return usagef("PARAMS are no JSON: they are not UTF-8")
	}
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return usagef("PARAMS are no JSON: %w", err)
	}
	near := params[max(0, int(syntax.Offset)-20):min(len(params), int(syntax.Offset)+20)]
	return usagef(`PARAMS are no JSON: %w, at byte %d, near %q: text is in double quotes, as in '"text"'`, syntax, syntax.Offset, near)
}
