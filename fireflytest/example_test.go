package fireflytest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/fireflytest"
)

type Order struct{ ID, Amount int }

type Mail struct{ To, Text string }

var (
	Charge   = firefly.Declare[Order, string]("shop.charge", firefly.MaxRetries(3), firefly.RetryDelay(time.Hour))
	SendMail = firefly.Declare[Mail, firefly.None]("mail.send")
)

// A Shop charges for orders, and schedules a mail about each.
type Shop struct{ client *firefly.Client }

func (s *Shop) Charge(ctx context.Context, o Order) (string, error) {
	if info, _ := firefly.Attempt(ctx); info.Attempt == 1 && o.Amount > 1000 {
		return "", errors.New("the bank asks to come back")
	}
	if _, err := SendMail.Schedule(ctx, s.client, Mail{"a@b", "paid"}, firefly.Delay(time.Minute)); err != nil {
		return "", err
	}
	return fmt.Sprintf("receipt %d", o.ID), nil
}

func sendNothing(context.Context, Mail) (firefly.None, error) { return firefly.None{}, nil }

// One run of a handler: what it returned, and what it scheduled.
func ExampleRun() {
	t := newT() // a *testing.T
	defer t.end()

	client := fireflytest.NewClient(t, fireflytest.NewStore(t))
	shop := &Shop{client}
	res := fireflytest.Run(t, Charge, shop.Charge, Order{7, 100}, fireflytest.On(client))
	fmt.Println(res.Outcome, res.Returned, len(res.Scheduled))

	res = fireflytest.Run(t, Charge, shop.Charge, Order{7, 2000}, fireflytest.On(client))
	fmt.Println(res.Outcome, res.After, res.Err, len(res.Scheduled))

	res = fireflytest.Run(t, Charge, shop.Charge, Order{7, 2000}, fireflytest.On(client), fireflytest.Attempt(2))
	fmt.Println(res.Outcome, res.Returned)
	// Output:
	// completed receipt 7 1
	// retried 1h0m0s the bank asks to come back 0
	// completed receipt 7
}

func ExampleRunDefined() {
	t := newT() // a *testing.T
	defer t.end()

	double := firefly.Define("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	fmt.Println(fireflytest.RunDefined(t, double, 21).Require(t, firefly.Completed).Returned)
	// Output: 42
}

// An expectation in the words of Schedule. What is not as it says ends the test.
func ExampleRequireScheduled() {
	t := newT() // a *testing.T
	defer t.end()

	client := fireflytest.NewClient(t, fireflytest.NewStore(t))
	shop := &Shop{client}
	fireflytest.Run(t, Charge, shop.Charge, Order{7, 100}, fireflytest.On(client)).Require(t, firefly.Completed)
	task := fireflytest.RequireScheduled(t, client, SendMail, Mail{"a@b", "paid"}, firefly.Delay(time.Minute))
	fmt.Println(task.Name, task.Status)
	fmt.Println(fireflytest.Scheduled(t, client, SendMail))

	fireflytest.RequireScheduled(t, client, SendMail, Mail{"a@b", "paid"}, firefly.Delay(time.Minute), firefly.Queue("mails"))
	// Output:
	// mail.send created
	// [{a@b paid}]
	// fireflytest: of 1 tasks mail.send, none is the one that is wanted; nearest is task 2, but for queue "default", want "mails"
}

// Everything that is to happen, at once: retries and delays move the store's clock.
func ExampleDrainAll() {
	t := newT() // a *testing.T
	defer t.end()

	s := fireflytest.NewStore(t)
	client := fireflytest.NewClient(t, s)
	shop := &Shop{client}
	began := s.Now()
	h, err := Charge.Schedule(t.Context(), client, Order{7, 2000})
	if err != nil {
		t.Fatal(err)
	}
	for _, ran := range fireflytest.DrainAll(t, s, Charge.Handle(shop.Charge), SendMail.Handle(sendNothing)) {
		fmt.Println(ran.Task.Name, ran.Attempt, ran.Outcome)
	}
	receipt, err := h.Returned(t.Context())
	fmt.Println(receipt, err)
	fmt.Println(s.Now().Sub(began))
	// Output:
	// shop.charge 1 retried
	// shop.charge 2 completed
	// mail.send 1 completed
	// receipt 7 <nil>
	// 1h1m0s
}

func ExampleDraining() {
	t := newT() // a *testing.T
	defer t.end()

	s := fireflytest.NewStore(t)
	client := fireflytest.NewClient(t, s)
	tick := firefly.Define("tick", func(context.Context, firefly.None) (firefly.None, error) {
		return firefly.None{}, firefly.Snooze(time.Hour)
	})
	if _, err := tick.Schedule(t.Context(), client, firefly.None{}); err != nil {
		t.Fatal(err)
	}
	runs := fireflytest.Draining{Ahead: 24 * time.Hour}.Run(t, s, tick)
	fmt.Println(len(runs))
	fireflytest.Draining{Ahead: 24 * time.Hour, MaxRuns: 10}.Run(t, s, tick)
	// Output:
	// 25
	// fireflytest: after 10 runs task 1 (tick) is due still: does it schedule or retry itself for ever? Draining.MaxRuns allows more
}

// A printingT stands in for a test: examples have none. It prints what the test ends with.
type printingT struct {
	testing.TB
	cleanups []func()
}

func newT() *printingT { return &printingT{} }

func (t *printingT) Helper()                  {}
func (t *printingT) Context() context.Context { return context.Background() }
func (t *printingT) Output() io.Writer        { return io.Discard }
func (t *printingT) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }
func (t *printingT) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }

func (t *printingT) Fatalf(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	panic(errEnded)
}

var errEnded = errors.New("the test has ended")

// end runs the cleanups, also of a test that was ended.
func (t *printingT) end() {
	for _, f := range t.cleanups {
		f()
	}
	if p := recover(); p != nil && p != any(errEnded) {
		panic(p)
	}
}
