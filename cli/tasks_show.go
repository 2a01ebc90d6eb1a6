package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) tasksShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID...",
		Short: "Show all of a task, and why it does not run",
		Long: `Show all of a task, and why it does not run. Several ids and ranges of them, 5 7-20, show several tasks.

With -o json, one id prints an object; several print an array.`,
		Example: `  firefly tasks show 7
  firefly tasks show 7 -o json | jq .returned`,
		Args: someArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := idsOf(args)
			if err != nil {
				return err
			}
			return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
				getter, err := need[store.Getter](s, "Getter")
				if err != nil {
					return err
				}
				tasks, err := getAll(cmd.Context(), getter, ids)
				if err != nil {
					return err
				}
				if err := a.printTasks(cmd, s, tasks, len(ids) == 1); err != nil {
					return err
				}
				return missing(ids, tasks)
			})(cmd, args)
		},
	}
}

func getAll(ctx context.Context, getter store.Getter, ids []int64) (tasks []store.Task, err error) {
	for some := range slices.Chunk(ids, pageSize) {
		page, err := getter.Get(ctx, some)
		if err != nil {
			return nil, orInterrupted(ctx, err)
		}
		tasks = append(tasks, page...)
	}
	return tasks, nil
}

// missing returns an error that names the ids of which there is no task.
func missing(ids []int64, tasks []store.Task) error {
	var names []string
	for _, id := range ids {
		if !slices.ContainsFunc(tasks, func(t store.Task) bool { return t.ID == id }) {
			names = append(names, strconv.FormatInt(id, 10))
		}
	}
	if names == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", store.ErrNotFound, strings.Join(names, ", "))
}

func (a *app) printTasks(cmd *cobra.Command, s store.Store, tasks []store.Task, one bool) error {
	out := cmd.OutOrStdout()
	switch {
	case a.format == formatJSON && !one:
		return printJSON(out, append([]store.Task{}, tasks...)) // an array even if there is none
	case len(tasks) == 0:
		return nil
	case a.format == formatJSON:
		return printJSON(out, tasks[0])
	}
	around, err := lookAround(cmd, s, tasks)
	if err != nil {
		return err
	}
	for i := range tasks {
		sheet := sheet{colored: wantsColor(out)}
		if i > 0 {
			sheet.linef("")
		}
		sheet.task(&tasks[i], around)
		if _, err := fmt.Fprint(out, sheet.b.String()); err != nil {
			return err
		}
	}
	return nil
}

// A sheet is a task's text for people.
type sheet struct {
	b       strings.Builder
	colored bool
}

func (s *sheet) linef(format string, args ...any) {
	s.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (s *sheet) task(t *store.Task, around *surroundings) {
	s.linef("task %d", t.ID)
	s.field("name", t.Name)
	s.field("queue", t.Queue)
	s.linef("  %-12s %s", "status", statusCell(t.Status).paint(s.colored))
	for _, reason := range around.reasons(t) {
		s.field("", reason)
	}
	s.field("priority", strconv.Itoa(t.Priority))
	s.field("attempt", fmt.Sprintf("%s, %d crashed", attemptOf(t), t.Crashes))
	s.field("retry delay", t.RetryDelay.String())
	if t.Timeout > 0 {
		s.field("timeout", t.Timeout.String())
	}
	s.field("created", instant(t.Created))
	s.field("due", instant(t.Due))
	s.field("finished", instant(t.Finished))
	if t.Status == store.Running {
		s.field("worker", t.Worker)
		s.field("lease", fmt.Sprintf("%s until %s", t.Lease, instant(t.LeaseEnd)))
	}
	if t.UniqueKey != "" {
		s.field("unique key", t.UniqueKey)
	}
	s.meta(t.Meta)
	s.field("encoding", t.Encoding)
	s.payload("params", t.Encoding, t.Params)
	s.payload("returned", t.Encoding, t.Returned)
	s.errors(t.Errors)
}

func (s *sheet) field(name, value string) { s.linef("  %-12s %s", name, oneLineText(value)) }

// block adds lines below a name.
func (s *sheet) block(text string) {
	for line := range strings.Lines(text) {
		s.linef("    %s", oneLineText(strings.TrimSuffix(line, "\n")))
	}
}

func (s *sheet) meta(meta map[string]string) {
	if len(meta) == 0 {
		return
	}
	s.field("meta", "")
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		s.block(oneLineText(key) + ": " + oneLineText(meta[key]))
	}
}

func (s *sheet) payload(name, encoding string, b []byte) {
	switch text := payloadText(encoding, b); {
	case b == nil:
		s.field(name, "none")
	case strings.Contains(text, "\n"):
		s.field(name, "")
		s.block(text)
	default:
		s.field(name, text)
	}
}

func (s *sheet) errors(history []store.AttemptError) {
	if len(history) == 0 {
		return
	}
	s.field("errors", fmt.Sprintf("%d, the last one at the end", len(history)))
	for _, e := range history {
		s.linef("  - attempt %d, at %s", e.Attempt, instant(e.At))
		s.block(e.Text)
	}
}
