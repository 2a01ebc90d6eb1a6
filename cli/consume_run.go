package cli

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// errDrained ends the workers of a drain.
var errDrained = errors.New("nothing is due any more")

// consume runs a worker for each of configs, until the command's context ends, one fails, or nothing is
// due and that is to be the end.
func (a *app) consume(cmd *cobra.Command, s store.Store, f *consumeFlags, configs []firefly.WorkerConfig, commands []command) error {
	handlers, err := a.handlers(cmd, s, f, commands)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(cmd.Context())
	defer stop(nil)
	log := configs[0].Logger
	tally := tally{}
	var drain *drain
	if f.drain {
		drain = newDrain(len(configs), func() { stop(errDrained) })
	}
	workers := make([]*firefly.Worker, len(configs))
	for i, cfg := range configs {
		cfg.Hooks = tally.hooks(cfg.Hooks)
		if drain != nil {
			cfg.Hooks = drain.hooks(i, cfg.Hooks)
		}
		if workers[i], err = firefly.NewWorker(s, cfg, handlers...); err != nil {
			return err
		}
	}
	queues := queuesOf(configs)
	log.Info("firefly: consume begins", "queues", queues, "drain", f.drain)
	err = runAll(ctx, stop, workers)
	why := context.Cause(ctx)
	if cmd.Context().Err() != nil {
		why = errInterrupted
	}
	log.Info("firefly: consume ends", append([]any{"why", why}, tally.counts()...)...)
	if f.drain {
		if n := waiting(ctx, s, queues); n > 0 {
			log.Info("firefly: tasks still wait, for later or for a handler", "tasks", n)
		}
	}
	return err
}

// handlers are the application's, and the commands.
func (a *app) handlers(cmd *cobra.Command, s store.Store, f *consumeFlags, commands []command) ([]firefly.Handler, error) {
	var handlers []firefly.Handler
	if a.config.Handlers != nil {
		own, err := a.config.Handlers(s)
		if err != nil {
			return nil, err
		}
		handlers = slices.Clone(own)
	}
	var options []firefly.DeclareOption
	if cmd.Flags().Changed("max-crashes") {
		options = append(options, firefly.MaxCrashes(f.maxCrashes))
	}
	for _, c := range commands {
		handlers = append(handlers, c.handler(a.config.Worker.MaxReturned, options...))
	}
	if len(handlers) == 0 {
		return nil, errNoHandlers
	}
	return handlers, nil
}

// runAll runs workers until all have ended. One that fails stops the others.
func runAll(ctx context.Context, stop context.CancelCauseFunc, workers []*firefly.Worker) error {
	errs := make([]error, len(workers))
	var running sync.WaitGroup
	for i, w := range workers {
		running.Go(func() {
			if errs[i] = w.Run(ctx); errs[i] != nil {
				stop(errs[i])
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

func queuesOf(configs []firefly.WorkerConfig) []string {
	var queues []string
	for _, c := range configs {
		queues = append(queues, c.Queues...)
	}
	return queues
}

// waiting counts the tasks that wait in queues, as far as the store can tell.
func waiting(ctx context.Context, s store.Store, queues []string) (n int64) {
	counter, err := need[store.Counter](s, "Counter")
	if err != nil {
		return 0
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	counts, err := counter.Counts(ctx)
	if err != nil {
		return 0
	}
	for _, c := range counts {
		if slices.Contains(queues, c.Queue) {
			n += c.Created
		}
	}
	return n
}
