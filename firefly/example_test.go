package firefly_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

type AddArgs struct{ A, B int }

var Add = firefly.Declare[AddArgs, int]("math.add")

func add(_ context.Context, in AddArgs) (int, error) { return in.A + in.B, nil }

// A first program: declare, schedule, work, read the result.
func Example() {
	ctx := context.Background()
	s := memory.New()
	defer s.Close()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		panic(err)
	}
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{}, Add.Handle(add))
	if err != nil {
		panic(err)
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- worker.Run(working) }()

	h, err := Add.Schedule(ctx, client, AddArgs{1, 3})
	if err != nil {
		panic(err)
	}
	sum, err := h.Wait(ctx)
	fmt.Println(sum, err)

	stop()
	fmt.Println(<-ended)
	// Output:
	// 4 <nil>
	// <nil>
}

// An app is what the examples below share: a client, and a worker on the same store.
type app struct {
	context.Context
	client *firefly.Client
	stop   func()
}

// start runs a worker with the handlers that handlersFor makes.
func start(handlersFor func(c *firefly.Client) []firefly.Handler) *app {
	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{}))
	return startOn(s, client, firefly.WorkerConfig{}, handlersFor(client)...)
}

func startOn(s store.Store, client *firefly.Client, cfg firefly.WorkerConfig, handlers ...firefly.Handler) *app {
	cfg.Logger = slog.New(slog.DiscardHandler)
	worker := must(firefly.NewWorker(s, cfg, handlers...))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- worker.Run(ctx) }()
	return &app{context.Background(), client, func() {
		cancel()
		if err := <-ended; err != nil {
			panic(err)
		}
		if err := store.Close(s); err != nil {
			panic(err)
		}
	}}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
