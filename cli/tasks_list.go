package cli

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) tasksListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tasks that match a filter",
		Long:  "List the tasks that match a filter, all if there is none, in the order of their ids.\n" + filterHelp,
		Example: `  firefly tasks list --status failed --queue mail
  firefly tasks list --newest --limit 10
  firefly tasks list --status created,running --limit 0 -o json | jq -r '.[].id'`,
		Args: exactArgs(),
	}
	flags := bindFilter(cmd)
	var page store.Page
	cmd.Flags().IntVar(&page.Limit, "limit", 50, "at most so many tasks; 0 is all")
	cmd.Flags().Int64Var(&page.After, "after", 0, "only tasks beyond the one with this id")
	cmd.Flags().BoolVar(&page.Newest, "newest", false, "highest ids first")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		filter, err := flags.filter(notNegative("limit", page.Limit), notNegative("after", page.After))
		if err != nil {
			return err
		}
		return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
			lister, err := need[store.Lister](s, "Lister")
			if err != nil {
				return err
			}
			return list(cmd, lister, filter, page, a.taskPrinter(cmd.OutOrStdout()))
		})(cmd, args)
	}
	return cmd
}

func notNegative[N int | int64](flag string, n N) error {
	if n < 0 {
		return fmt.Errorf("--%s %d is negative", flag, n)
	}
	return nil
}

// list prints one page, which may be all there is, and says where the next one begins.
func list(cmd *cobra.Command, lister store.Lister, f store.Filter, page store.Page, to taskPrinter) error {
	limit := page.Limit
	page.Limit = pageSize
	if limit > 0 && limit < pageSize {
		page.Limit = limit + 1 // one more tells whether there are more
	}
	n, last, more := 0, int64(0), false
	for t, err := range matching(cmd.Context(), lister, f, page) {
		if err != nil {
			return err
		}
		if more = limit > 0 && n == limit; more {
			break
		}
		if err := to.add(t); err != nil {
			return err
		}
		n, last = n+1, t.ID
	}
	if err := to.end(); err != nil {
		return err
	}
	var err error
	switch {
	case more:
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "more: --after %d\n", last)
	case n == 0:
		_, err = fmt.Fprintln(cmd.ErrOrStderr(), "no task matches")
	}
	return err
}

// A taskPrinter prints tasks one after the other, so that any number of them can be listed.
type taskPrinter interface {
	add(t *store.Task) error
	end() error
}

func (a *app) taskPrinter(w io.Writer) taskPrinter {
	if a.format == formatJSON {
		return &jsonArray{w: bufio.NewWriter(w)}
	}
	return &tablePrinter{table: newTaskTable(), w: w}
}

// A tablePrinter prints a table's rows some at a time: what they have in common is the widths of the
// columns so far.
type tablePrinter struct {
	*table

	w io.Writer
}

func (p *tablePrinter) add(t *store.Task) error {
	p.addTask(t)
	if len(p.rows) < pageSize {
		return nil
	}
	return p.end()
}

func (p *tablePrinter) end() error {
	if len(p.rows) == 0 {
		return nil
	}
	return p.print(p.w, wantsColor(p.w))
}

// A jsonArray prints what it is given as the members of one array.
type jsonArray struct {
	w *bufio.Writer
	n int
}

func (a *jsonArray) add(t *store.Task) error {
	text, err := jsonText(t, "  ")
	if err != nil {
		return err
	}
	before := ",\n  "
	if a.n++; a.n == 1 {
		before = "[\n  "
	}
	_, err = a.w.WriteString(before + text)
	return err
}

func (a *jsonArray) end() error {
	after := "\n]\n"
	if a.n == 0 {
		after = "[]\n"
	}
	if _, err := a.w.WriteString(after); err != nil {
		return err
	}
	return a.w.Flush()
}
