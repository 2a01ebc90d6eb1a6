// Quickstart shows Firefly's main features on a store in memory: run it, then read it from the
// top. On a database, only the line that opens the store differs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// AddArgs are the arguments of add.
type AddArgs struct{ A, B int }

// Tasks are declared once, for those who schedule them and those who run them.
var (
	add     = firefly.Declare[AddArgs, int]("math.add")
	flaky   = firefly.Declare[string, string]("demo.flaky", firefly.MaxRetries(3), firefly.RetryDelay(300*time.Millisecond))
	greet   = firefly.Declare[string, string]("mail.greet")
	signUp  = firefly.Declare[string, int64]("user.sign_up")
	badSign = firefly.Declare[string, firefly.None]("user.bad_sign_up")
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	err := run(ctx, os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	s := memory.New()
	defer s.Close()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return err
	}
	handlers := handlersFor(client)
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{Logger: slog.New(slog.DiscardHandler)}, handlers...)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(working) }()

	err = tour(ctx, out, client)
	stop()
	return errors.Join(err, <-stopped)
}

// handlersFor pairs each task with the function that runs it.
func handlersFor(client *firefly.Client) []firefly.Handler {
	var tries atomic.Int32
	return []firefly.Handler{
		add.Handle(func(_ context.Context, in AddArgs) (int, error) { return in.A + in.B, nil }),

		flaky.Handle(func(ctx context.Context, name string) (string, error) {
			if tries.Add(1) < 3 {
				return "", errors.New("not yet")
			}
			info, _ := firefly.Attempt(ctx)
			return fmt.Sprintf("%s worked at attempt %d", name, info.Attempt), nil
		}),

		greet.Handle(func(_ context.Context, user string) (string, error) { return "welcome, " + user, nil }),

		// A task scheduled in a handler exists if and only if the handler's task completes.
		signUp.Handle(func(ctx context.Context, user string) (int64, error) {
			_, err := greet.Schedule(ctx, client, user, firefly.Unique("greet:"+user))
			return 7, err
		}),
		badSign.Handle(firefly.NoResult(func(ctx context.Context, user string) error {
			if _, err := greet.Schedule(ctx, client, user, firefly.Unique("greet:"+user)); err != nil {
				return err
			}
			return firefly.Permanent(errors.New("the card was declined"))
		})),
	}
}

func tour(ctx context.Context, out io.Writer, client *firefly.Client) error {
	for _, stop := range []func(context.Context, io.Writer, *firefly.Client) error{
		typedResult, notBefore, retryEndsWell, taskInTask, childOfFailure,
	} {
		if err := stop(ctx, out, client); err != nil {
			return err
		}
	}
	return nil
}

func typedResult(ctx context.Context, out io.Writer, client *firefly.Client) error {
	h, err := add.Schedule(ctx, client, AddArgs{1, 3})
	if err != nil {
		return err
	}
	sum, err := h.Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "math.add(1, 3) = %d\n", sum)
	return nil
}

func notBefore(ctx context.Context, out io.Writer, client *firefly.Client) error {
	eta := time.Now().Add(time.Second)
	h, err := add.Schedule(ctx, client, AddArgs{20, 22}, firefly.ETA(eta))
	if err != nil {
		return err
	}
	sum, err := h.Wait(ctx)
	if err != nil {
		return err
	}
	task, err := h.Task(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "math.add(20, 22) = %d, with an ETA in one second; finished before it: %t\n", sum, task.Finished.Before(eta))
	return nil
}

func retryEndsWell(ctx context.Context, out io.Writer, client *firefly.Client) error {
	h, err := flaky.Schedule(ctx, client, "demo.flaky")
	if err != nil {
		return err
	}
	said, err := h.Wait(ctx)
	if err != nil {
		return err
	}
	task, err := h.Task(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; its history keeps %d errors\n", said, len(task.Errors))
	return nil
}

func taskInTask(ctx context.Context, out io.Writer, client *firefly.Client) error {
	h, err := signUp.Schedule(ctx, client, "ada")
	if err != nil {
		return err
	}
	user, err := h.Wait(ctx)
	if err != nil {
		return err
	}
	children, err := greetings(ctx, client, "greet:ada")
	if err != nil {
		return err
	}
	if len(children) != 1 {
		return fmt.Errorf("the sign-up left %d greetings", len(children))
	}
	said, err := greet.Find(client, children[0].ID).Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "user.sign_up made user %d, and the task that it scheduled says: %s\n", user, said)
	return nil
}

func childOfFailure(ctx context.Context, out io.Writer, client *firefly.Client) error {
	h, err := badSign.Schedule(ctx, client, "bob")
	if err != nil {
		return err
	}
	var failed *firefly.TaskError
	if _, err := h.Wait(ctx); !errors.As(err, &failed) {
		return fmt.Errorf("the sign-up of bob did not fail: %w", err)
	}
	children, err := greetings(ctx, client, "greet:bob")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s failed: %s; greetings that it left: %d\n", failed.Name, failed.Last, len(children))
	return nil
}

// greetings finds the greetings with that unique key.
func greetings(ctx context.Context, client *firefly.Client, key string) ([]store.Task, error) {
	list, ok := store.As[store.Lister](client.Store())
	if !ok {
		return nil, store.Unsupported(client.Store(), "Lister")
	}
	all, err := list.List(ctx, store.Filter{Names: []string{greet.Name()}}, store.Page{})
	if err != nil {
		return nil, err
	}
	var found []store.Task
	for _, t := range all {
		if t.UniqueKey == key {
			found = append(found, t)
		}
	}
	return found, nil
}
