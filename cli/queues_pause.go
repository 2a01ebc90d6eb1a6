package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) queuesPauseCommand() *cobra.Command {
	return a.switchCommand(&cobra.Command{
		Use:   "pause QUEUE...",
		Short: "Let no task of the queues begin",
		Long: `Let no task of the queues begin, on any worker, until they are resumed. Tasks that run go on, and
tasks can be scheduled. A queue may be paused before it holds a task.`,
		Example: `  firefly queues pause mail
  firefly queues pause mail reports -o json`,
	}, true, store.Pauser.Pause)
}

func (a *app) queuesResumeCommand() *cobra.Command {
	return a.switchCommand(&cobra.Command{
		Use:   "resume QUEUE...",
		Short: "Let the tasks of paused queues begin again",
		Long:  "Let the tasks of paused queues begin again. A queue that is not paused stays as it is.",
		Example: `  firefly queues resume mail
  firefly queues list -o json | jq -r '.[] | select(.paused).queue' | xargs firefly queues resume`,
	}, false, store.Pauser.Resume)
}

// A switched says what became of a queue. The numbers are there if the store counts.
type switched struct {
	Queue   string `json:"queue"`
	Paused  bool   `json:"paused"`
	Changed bool   `json:"changed"`
	Created *int64 `json:"created,omitempty"`
	Running *int64 `json:"running,omitempty"`

	empty bool
}

// switchCommand completes a command that pauses queues, or resumes them.
func (a *app) switchCommand(
	cmd *cobra.Command, paused bool, call func(p store.Pauser, ctx context.Context, queues []string) error,
) *cobra.Command {
	cmd.Args = queueArgs(paused)
	cmd.ValidArgsFunction = a.completeQueues
	cmd.RunE = a.withStore(func(cmd *cobra.Command, s store.Store, names []string) error {
		pauser, err := need[store.Pauser](s, "Pauser")
		if err != nil {
			return err
		}
		queues, err := lookAt(cmd.Context(), s, pauser, names)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(cmd.Context())
		defer cancel()
		if err := call(pauser, ctx, names); err != nil {
			return err
		}
		for i := range queues {
			q := &queues[i]
			q.Changed = q.Paused != paused
			q.Paused = paused
		}
		if a.format == formatJSON {
			return printJSON(cmd.OutOrStdout(), queues)
		}
		return printSwitched(cmd.OutOrStdout(), cmd.Parent().CommandPath()+" list", queues)
	})
	return cmd
}

// queueArgs asks for queues. One that was paused under an impossible name can be resumed.
func queueArgs(checked bool) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("QUEUE is missing: see %q", cmd.CommandPath()+" --help")
		}
		for _, name := range args {
			if err := store.CheckName(name); checked && err != nil {
				return usagef("queue %w", err)
			}
		}
		return nil
	}
}

// lookAt returns the queues as they are, each once.
func lookAt(ctx context.Context, s store.Store, pauser store.Pauser, names []string) ([]switched, error) {
	paused, err := reading(ctx, pauser.Paused)
	if err != nil {
		return nil, err
	}
	counts := map[string]store.QueueCounts{}
	_, counted := store.As[store.Counter](s)
	if counted {
		all, err := readQueues(ctx, s)
		if err != nil {
			return nil, err
		}
		for _, q := range all {
			counts[q.Queue] = q
		}
	}
	var queues []switched
	for _, name := range names {
		if slices.ContainsFunc(queues, func(q switched) bool { return q.Queue == name }) {
			continue
		}
		q := switched{Queue: name, Paused: slices.Contains(paused, name)}
		if counted {
			c := counts[name]
			q.Created, q.Running = &c.Created, &c.Running
			q.empty = c.Created+c.Running+c.Completed+c.Failed+c.Cancelled == 0
		}
		queues = append(queues, q)
	}
	return queues, nil
}

func printSwitched(w io.Writer, list string, queues []switched) error {
	for _, q := range queues {
		name := oneLineText(q.Queue)
		text := map[bool]string{true: "paused " + name, false: "resumed " + name}[q.Paused]
		if !q.Changed {
			text = name + map[bool]string{true: " was paused before", false: " was not paused"}[q.Paused]
		}
		switch {
		case q.Created == nil:
		case q.empty:
			text += fmt.Sprintf(": it holds no task; %q shows the queues that do", list)
		default:
			text += fmt.Sprintf(": %d created, %d running", *q.Created, *q.Running)
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	return nil
}
