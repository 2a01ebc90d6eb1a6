package firefly_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// Retries, with a delay that doubles.
func ExampleWithBackoff() {
	fetch := firefly.Define("page.fetch",
		func(ctx context.Context, _ string) (int, error) {
			info, _ := firefly.Attempt(ctx)
			if info.Attempt < 3 {
				return 0, errors.New("503")
			}
			return info.Attempt, nil
		},
		firefly.MaxRetries(5), firefly.WithBackoff(firefly.Exponential(time.Millisecond, time.Minute)))
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{fetch} })
	defer app.stop()

	attempts, err := must(fetch.Schedule(app, app.client, "https://example.org")).Wait(app)
	fmt.Println(attempts, err)
	// Output: 3 <nil>
}

func ExamplePermanent() {
	charge := firefly.Define("card.charge",
		firefly.NoResult(func(context.Context, int) error {
			return firefly.Permanent(errors.New("the card was declined"))
		}),
		firefly.MaxRetries(10))
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{charge} })
	defer app.stop()

	_, err := must(charge.Schedule(app, app.client, 100)).Wait(app)
	fmt.Println(err)
	// Output: firefly: task 1 (card.charge) failed after 1 attempts: the card was declined
}

func ExampleSnooze() {
	asked := 0
	poll := firefly.Define("job.poll", func(context.Context, firefly.None) (int, error) {
		if asked++; asked < 3 {
			return 0, firefly.Snooze(time.Millisecond) // not ready: look again soon
		}
		return asked, nil
	})
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{poll} })
	defer app.stop()

	fmt.Println(must(poll.Schedule(app, app.client, firefly.None{})).Wait(app))
	// Output: 3 <nil>
}

func ExampleTimeout() {
	slow := firefly.Define("report.slow",
		firefly.NoResult(func(ctx context.Context, _ firefly.None) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}),
		firefly.Timeout(10*time.Millisecond))
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{slow} })
	defer app.stop()

	_, err := must(slow.Schedule(app, app.client, firefly.None{})).Wait(app)
	var failed *firefly.TaskError
	fmt.Println(errors.As(err, &failed), failed.Last)
	// Output: true firefly: the run took longer than its timeout
}

// A task scheduled inside a handler exists if and only if the handler's task completes.
func Example_taskInTask() {
	mail := firefly.Define("mail.send", firefly.NoResult(func(context.Context, string) error { return nil }))
	app := start(func(client *firefly.Client) []firefly.Handler {
		order := firefly.Declare[bool, int64]("shop.order")
		return []firefly.Handler{mail, order.Handle(func(ctx context.Context, pays bool) (int64, error) {
			h, err := mail.Schedule(ctx, client, "thank you")
			if err == nil && !pays {
				err = errors.New("not paid")
			}
			return h.ID(), err // zero: it is not stored yet
		})}
	})
	defer app.stop()
	order := firefly.Declare[bool, int64]("shop.order")

	for _, pays := range []bool{false, true} {
		_, err := must(order.Schedule(app, app.client, pays)).Wait(app)
		mails, _ := store.As[store.Lister](app.client.Store())
		sent := must(mails.List(app, store.Filter{Names: []string{"mail.send"}}, store.Page{}))
		fmt.Println(err == nil, len(sent))
	}
	// Output:
	// false 0
	// true 1
}
