package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

func (a *app) waitCommand() *cobra.Command {
	var most time.Duration
	cmd := &cobra.Command{
		Use:   "wait ID",
		Short: "Wait until a task is finished, and print what it returned",
		Long: `Wait until a task is finished, and print what it returned: JSON, or a string if it is stored otherwise.
The exit code is 4 if it failed or was cancelled, and 7 if --for was over before.`,
		Example: `  firefly wait 7
  firefly wait 7 --for 5m -o json | jq .returned`,
		Args: exactArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			return a.withStore(func(cmd *cobra.Command, s store.Store, _ []string) error {
				return a.wait(cmd, s, id, most)
			})(cmd, args)
		},
	}
	durationVar(cmd, &most, "for", "wait no longer than this: 90s, 1h30m, 7d (default: for ever)")
	return cmd
}

func (a *app) wait(cmd *cobra.Command, s store.Store, id int64, most time.Duration) error {
	client, err := firefly.NewClient(s, a.config.Client)
	if err != nil {
		return err
	}
	ctx, cancel := cmd.Context(), context.CancelFunc(func() {})
	if cmd.Flags().Changed("for") {
		ctx, cancel = context.WithTimeout(ctx, most)
	}
	defer cancel()
	h := firefly.Declare[firefly.None, firefly.None]("any").Find(client, id) // by id, whatever its name
	_, err = h.Wait(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		_, err = h.Returned(cmd.Context()) // it may have finished at the last moment
	}
	task, readErr := h.Task(cmd.Context())
	switch {
	case readErr != nil:
		return cmp.Or(err, readErr)
	case task.Status == store.Completed:
		err = nil // or its encoding is one that the client does not know
	case errors.Is(err, firefly.ErrNotFinished):
		return fmt.Errorf("task %d is %s, and %s is over: %w", id, task.Status, most, errNotYet)
	case !task.Status.Terminal():
		return err
	}
	return errors.Join(err, a.printReturned(cmd, &task))
}

// printReturned prints the whole task as JSON; for people, what it returned if it completed.
func (a *app) printReturned(cmd *cobra.Command, t *store.Task) error {
	if a.format == formatJSON {
		return printJSON(cmd.OutOrStdout(), t)
	}
	if t.Status != store.Completed {
		return nil
	}
	returned, err := returnedJSON(t)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", returned)
	return err
}

// returnedJSON is as the task's own JSON form has it, but JSON is as it was stored.
func returnedJSON(t *store.Task) (json.RawMessage, error) {
	if t.Encoding == firefly.JSON.Name() && t.Returned != nil {
		return t.Returned, nil
	}
	entity, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	var shown struct {
		Returned json.RawMessage `json:"returned"`
	}
	err = json.Unmarshal(entity, &shown)
	return shown.Returned, err
}
