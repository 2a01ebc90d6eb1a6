// Shop is an application with a command line of its own and Firefly's commands below it: order
// places an order, and jobs runs the tasks that come of it and looks after them.
//
//	go run ./examples/shop order lamp 30
//	go run ./examples/shop jobs consume          # charges, packs and mails, until Ctrl-C
//	go run ./examples/shop jobs tasks list
//
// All is kept in the SQLite file shop.db, or in the store that --store or FIREFLY_STORE names: run
// "jobs migrate" on it once. In SQLite and PostgreSQL the charges are rows of a table charge, which
// commit together with their tasks. Kill consume as often as you like: each order is charged once.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

const defaultStore = "sqlite:shop.db"

func main() { os.Exit(cli.Run(context.Background(), rootCommand())) }

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "shop",
		Short:         "Sell things, and do what has to be done in the background",
		SilenceErrors: true, // cli.Run prints them
		SilenceUsage:  true,
	}
	jobs := cli.Command(cli.Config{Name: "jobs", URL: defaultStore, Handlers: handlers})
	root.AddCommand(orderCommand(), jobs)
	return root
}

func orderCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "order ITEM AMOUNT",
		Short: "Order something, to be charged in the background",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			amount, err := strconv.Atoi(args[1])
			if err != nil {
				return store.Invalid("amount", err)
			}
			id, err := place(cmd.Context(), cmp.Or(url, os.Getenv(cli.EnvStore), defaultStore), order{args[0], amount})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "order %d: a %s for %d\n", id, args[0], amount)
			return err
		},
	}
	cmd.Flags().StringVar(&url, "store", "", "the store's URL")
	return cmd
}

// place schedules the charge of an order, whose number is the task's.
func place(ctx context.Context, url string, o order) (id int64, err error) {
	s, err := open.Store(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close(s)) }()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return 0, err
	}
	h, err := charge.Schedule(ctx, client, o)
	if err != nil {
		return 0, err
	}
	return h.ID(), nil
}
