package cli

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

type consumeFlags struct {
	queues      []string
	concurrency int
	lease       time.Duration
	grace       time.Duration
	drain       bool
	quiet       bool
	exec        []string
	maxCrashes  int
	keep        firefly.Retention
}

func (a *app) consumeCommand() *cobra.Command {
	var f consumeFlags
	cmd := &cobra.Command{
		Use:   "consume",
		Short: "Run tasks, until SIGINT or SIGTERM",
		Long: `Run tasks that are due, until SIGINT or SIGTERM; with --drain, until none is due. Tasks that run then
have the time of --grace to end. That is the normal end, so the exit code is 0.

Tasks are run by the application's handlers, and those of other names by the commands of --exec. Such a
command is run by sh -c (on Windows by cmd /C), so put it in single quotes. It reads the task's params
from its standard input, as JSON. What it prints is what the task returns: JSON, or else a string, without
the line break at its end. The exit code decides: 0 is completed; 100 has failed for good, and is not
tried again; any other has failed, and is tried again as --max-retries of schedule says. The error is what
it wrote to its standard error. Its environment has FIREFLY_TASK_ID, FIREFLY_TASK_NAME, FIREFLY_QUEUE and
FIREFLY_ATTEMPT. When its time is over, or the task is cancelled, it and all that it has started in its
process group get SIGTERM, and SIGKILL two seconds later.`,
		Example: `  firefly consume --exec math.add='jq add'
  firefly consume --queue mail=10 --queue reports=1 --exec mail.send=./send-mail --exec report.make=./report
  firefly consume --drain --exec math.add='jq add'`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			configs, err := f.workers(cmd, a.config.Worker)
			if err != nil {
				return err
			}
			commands, err := readCommands(cmd.Context(), f.exec)
			if err != nil {
				return err
			}
			if len(commands) == 0 && a.config.Handlers == nil {
				return errNoHandlers
			}
			return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
				return a.consume(cmd, s, &f, configs, commands)
			})(cmd, nil)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.queues, "queue", nil, `serve a queue, with so many of its tasks at once: mail or mail=10 (default "default")`)
	flags.IntVar(&f.concurrency, "concurrency", 0, "how many tasks of a queue run at once where --queue does not say (default 100)")
	durationVar(cmd, &f.lease, "lease", "how long a task stays with a worker that is not heard of any more (default 30s)")
	durationVar(cmd, &f.grace, "grace", "how long running tasks may go on at the end (default 10s)")
	flags.BoolVar(&f.drain, "drain", false, "end when nothing is due; what is for later does not count")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "log only what goes wrong")
	flags.StringArrayVar(&f.exec, "exec", nil, "run the tasks of a name with a command: NAME=COMMAND")
	flags.IntVar(&f.maxCrashes, "max-crashes", 0, "how often a task of --exec is run again after its worker died (default 5)")
	durationVar(cmd, &f.keep.Completed, "keep-completed", "delete completed tasks so long after their end: 7d, say (default: the store's)")
	durationVar(cmd, &f.keep.Failed, "keep-failed", "delete failed tasks so long after their end")
	durationVar(cmd, &f.keep.Cancelled, "keep-cancelled", "delete cancelled tasks so long after their end")
	return cmd
}

var errNoHandlers = usagef("there is nothing to run tasks with: name a command for each name of tasks, as in --exec math.add='jq add', " +
	"or give package cli the application's handlers")

// drainPoll is short, as a drain ends after some looks that found nothing.
const drainPoll = 50 * time.Millisecond

// workers returns a configuration for each worker: one for each queue that the flags name.
func (f *consumeFlags) workers(cmd *cobra.Command, base firefly.WorkerConfig) ([]firefly.WorkerConfig, error) {
	given := cmd.Flags().Changed
	if given("concurrency") {
		if f.concurrency < 1 {
			return nil, usagef("--concurrency is %d: give 1 or more", f.concurrency)
		}
		base.Concurrency = f.concurrency
	}
	if given("max-crashes") && f.maxCrashes < 0 {
		return nil, usagef("--max-crashes is %d: give 0 or more", f.maxCrashes)
	}
	if given("lease") {
		base.Lease = f.lease
	}
	if given("grace") {
		base.ShutdownGrace = f.grace
		if f.grace == 0 {
			base.ShutdownGrace = -1 // not at all
		}
	}
	for _, keep := range []struct {
		flag     string
		from, to *time.Duration
	}{
		{"keep-completed", &f.keep.Completed, &base.Retention.Completed},
		{"keep-failed", &f.keep.Failed, &base.Retention.Failed},
		{"keep-cancelled", &f.keep.Cancelled, &base.Retention.Cancelled},
	} {
		if given(keep.flag) {
			*keep.to = *keep.from
		}
	}
	if f.drain && (base.PollInterval == 0 || base.PollInterval > drainPoll) {
		base.PollInterval = drainPoll
	}
	if base.Logger == nil {
		level := slog.LevelInfo
		if f.quiet {
			level = slog.LevelWarn
		}
		base.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	}
	return f.eachQueue(base)
}

func (f *consumeFlags) eachQueue(base firefly.WorkerConfig) ([]firefly.WorkerConfig, error) {
	if len(f.queues) == 0 {
		if len(base.Queues) == 0 {
			base.Queues = []string{"default"}
		}
		return []firefly.WorkerConfig{base}, nil
	}
	var configs []firefly.WorkerConfig
	for _, text := range f.queues {
		cfg := base
		queue, number, hasNumber := strings.Cut(text, "=")
		if err := store.CheckName(queue); err != nil {
			return nil, usagef("--queue %w", err)
		}
		if hasNumber {
			n, err := strconv.Atoi(number)
			if err != nil || n < 1 {
				return nil, usagef("--queue %s: %q is no number of tasks: give 1 or more", queue, number)
			}
			cfg.Concurrency = n
		}
		cfg.Queues = []string{queue}
		if slices.ContainsFunc(configs, func(c firefly.WorkerConfig) bool { return c.Queues[0] == queue }) {
			return nil, usagef("--queue %s is given twice", queue)
		}
		configs = append(configs, cfg)
	}
	return configs, nil
}
