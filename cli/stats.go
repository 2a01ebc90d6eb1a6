package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

const shortestInterval = 10 * time.Millisecond

func (a *app) statsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Show how many tasks of each status there are, once or all the time",
		Long: `Show how many tasks of each status there are, in all queues together and in each. The cost does not
grow with the number of tasks.

With --watch it looks again and again, and also shows rates between two looks: how many tasks a second
were scheduled (IN/S) and finished (OUT/S). A rate is "-", or missing in JSON, where there is no look
before, or where tasks were deleted or retried, so that fewer are left. On a terminal the table is drawn
in its place; otherwise, each look is a table of its own, or with -o json a line with an object. The
first look has to succeed. If a later one fails, the store being restarted say, it tells so and tries
again. Ctrl-C or SIGTERM is how a watch ends, with exit code 0.`,
		Example: `  firefly stats
  firefly stats --watch
  firefly stats -o json | jq .total.failed
  firefly stats --watch --interval 10s -o json >> stats.jsonl`,
		Args: exactArgs(),
	}
	watched := cmd.Flags().Bool("watch", false, "look again and again, until Ctrl-C")
	interval := cmd.Flags().Duration("interval", 2*time.Second, "how long after a look --watch looks again")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case *interval < shortestInterval:
			return usagef("--interval %s is too short: give %s at least", *interval, shortestInterval)
		case cmd.Flags().Changed("interval") && !*watched:
			return usagef("--interval is for --watch: give both")
		}
		return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
			if *watched {
				return a.watch(cmd, s, *interval)
			}
			return a.statsOnce(cmd, s)
		})(cmd, args)
	}
	return cmd
}

func (a *app) statsOnce(cmd *cobra.Command, s store.Store) error {
	now, err := takeStats(cmd.Context(), s)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if a.format == formatJSON {
		return printJSON(w, now)
	}
	t := now.table()
	return t.print(w, wantsColor(w))
}

// table shows all queues together, then each.
func (s *stats) table() *table {
	t := newQueueTable(s.rateHeads()...)
	all := cell{text: "ALL QUEUES"} // in capitals, as it belongs to the head
	t.add(append([]cell{all, plain("")}, append(countCells(&s.counts), s.rateCells(s.Total.rates)...)...)...)
	for i := range s.Queues {
		q := &s.Queues[i]
		t.add(queueCells(&q.QueueCounts, s.rateCells(q.rates)...)...)
	}
	return t
}

func (s *stats) rateHeads() []string {
	if !s.watched {
		return nil
	}
	return []string{"IN/S", "OUT/S"}
}

func (s *stats) rateCells(r rates) (cells []cell) {
	if !s.watched {
		return nil
	}
	for _, rate := range []*float64{r.In, r.Out} {
		if rate == nil {
			cells = append(cells, cell{"-", colorGray})
		} else {
			cells = append(cells, plain(fmt.Sprintf("%.1f", *rate)))
		}
	}
	return cells
}
