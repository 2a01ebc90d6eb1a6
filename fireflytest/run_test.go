package fireflytest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/fireflytest"
	"github.com/fireflytasks/go-firefly/store"
)

var errBoom = errors.New("boom")

func TestRunJudgesAsTheEngine(t *testing.T) {
	retries := fireflytest.With(firefly.MaxRetries(2), firefly.RetryDelay(time.Minute))
	for name, test := range map[string]struct {
		then    func(ctx context.Context) error
		options []fireflytest.Option
		outcome firefly.Outcome
		status  store.Status
		after   time.Duration
		err     error
	}{
		"completes":        {well, nil, firefly.Completed, store.Completed, 0, nil},
		"fails":            {func(context.Context) error { return errBoom }, nil, firefly.Failed, store.Failed, 0, errBoom},
		"is retried":       {func(context.Context) error { return errBoom }, []fireflytest.Option{retries}, firefly.Retried, store.Created, time.Minute, errBoom},
		"at once":          {func(context.Context) error { return errBoom }, []fireflytest.Option{fireflytest.With(firefly.MaxRetries(1), firefly.RetryDelay(0))}, firefly.Retried, store.Created, 0, errBoom},
		"second attempt":   {func(context.Context) error { return errBoom }, []fireflytest.Option{retries, fireflytest.Attempt(2)}, firefly.Retried, store.Created, time.Minute, errBoom},
		"last attempt":     {func(context.Context) error { return errBoom }, []fireflytest.Option{retries, fireflytest.Attempt(3)}, firefly.Failed, store.Failed, 0, errBoom},
		"fails for good":   {func(context.Context) error { return firefly.Permanent(errBoom) }, []fireflytest.Option{retries}, firefly.Failed, store.Failed, 0, errBoom},
		"snoozes":          {func(context.Context) error { return firefly.Snooze(time.Hour) }, nil, firefly.Snoozed, store.Created, time.Hour, nil},
		"is cancelled":     {func(context.Context) error { return firefly.Cancel(errBoom) }, nil, firefly.Cancelled, store.Cancelled, 0, errBoom},
		"panics":           {func(context.Context) error { panic(errBoom) }, nil, firefly.Failed, store.Failed, 0, errBoom},
		"ends its routine": {func(context.Context) error { runtime.Goexit(); return nil }, []fireflytest.Option{retries}, firefly.Retried, store.Created, time.Minute, nil},
		"takes too long":   {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, []fireflytest.Option{fireflytest.With(firefly.Timeout(time.Millisecond))}, firefly.Failed, store.Failed, 0, firefly.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			s, mem := newShop(t)
			res := fireflytest.Run(t, charge, s.charge(test.then), order{7, 100}, append(test.options, fireflytest.On(s.client))...)
			if res.Outcome != test.outcome || res.After != test.after || test.err != nil && !errors.Is(res.Err, test.err) {
				t.Errorf("%s after %s with error %v", res.Outcome, res.After, res.Err)
			}
			if res.Task.Status != test.status || res.Task.Queue != "default" || res.Task.Name != "shop.charge" {
				t.Errorf("the task is a %s %s in %s", res.Task.Status, res.Task.Name, res.Task.Queue)
			}
			completed := test.outcome == firefly.Completed
			if (res.Returned == "receipt 7") != completed || (len(res.Scheduled) == 1) != completed {
				t.Errorf("returned %q, scheduled %d tasks", res.Returned, len(res.Scheduled))
			}
			left, err := mem.List(t.Context(), store.Filter{}, store.Page{})
			if err != nil || len(left) != len(res.Scheduled) {
				t.Errorf("the store holds %d tasks, error %v", len(left), err)
			}
		})
	}
}

func TestRunShowsTheHandlerItsTask(t *testing.T) {
	var seen firefly.Info
	var queues []string
	res := fireflytest.Run(t, sendMail, firefly.NoResult(func(ctx context.Context, _ mail) error {
		seen, _ = firefly.Attempt(ctx)
		return nil
	}), mail{"a@b"},
		fireflytest.Attempt(3),
		fireflytest.With(firefly.Queue("mails"), firefly.Priority(2)),
		fireflytest.With(firefly.Delay(time.Hour), firefly.Unique("a@b")),
		fireflytest.Worker(firefly.WorkerConfig{Name: "w", Hooks: firefly.Hooks{
			Ended: func(info firefly.Info, _ firefly.End) { queues = append(queues, info.Task.Queue) },
		}}))
	got := fmt.Sprintf("attempt %d, worker %s, queue %s, priority %d, key %s, %d errors; the hook saw %s",
		seen.Attempt, seen.Worker, seen.Task.Queue, seen.Task.Priority, seen.Task.UniqueKey, len(seen.Task.Errors), queues)
	if want := "attempt 3, worker w, queue mails, priority 2, key a@b, 2 errors; the hook saw [mails]"; got != want {
		t.Errorf("the handler saw %s, want %s", got, want)
	}
	res.Require(t, firefly.Completed)
}

func TestRunHasTheStoresTransaction(t *testing.T) {
	for name, err := range map[string]error{"completed": nil, "failed": errBoom} {
		t.Run(name, func(t *testing.T) {
			s, _ := newShop(t)
			res := fireflytest.Run(t, charge, func(ctx context.Context, _ order) (string, error) {
				tx, txErr := store.AttemptTx(ctx)
				if txErr != nil {
					t.Error(txErr)
					return "", txErr
				}
				_, txErr = sendMail.Schedule(ctx, s.client.In(tx), mail{"a@b"})
				return "", errors.Join(err, txErr)
			}, order{}, fireflytest.On(s.client))
			if n := len(res.Scheduled); (n == 1) != (err == nil) {
				t.Errorf("%d tasks are stored", n)
			}
		})
	}
}

func TestRunLeavesOtherTasksAlone(t *testing.T) {
	s, _ := newShop(t)
	s.schedule(t, charge.Call(order{1, 1}))
	fireflytest.Run(t, charge, s.charge(well), order{2, 2}, fireflytest.On(s.client)).Require(t, firefly.Completed)
	if got := fireflytest.Scheduled(t, s.client, charge); fmt.Sprint(got) != "[{1 1}]" {
		t.Errorf("there are %v", got)
	}
}

func TestRunDefined(t *testing.T) {
	double := firefly.Define("double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	if got := fireflytest.RunDefined(t, double, 21).Require(t, firefly.Completed).Returned; got != 42 {
		t.Errorf("returned %d", got)
	}
}

func TestRunUsesTheWorkersAndTheClientsConfiguration(t *testing.T) {
	s := fireflytest.NewStore(t)
	client, err := firefly.NewClient(s, firefly.ClientConfig{
		Codec: firefly.Base64(firefly.JSON), Defaults: []firefly.Option{firefly.MaxRetries(4)},
	})
	if err != nil {
		t.Fatal(err)
	}
	wrapped := func(next firefly.HandlerFunc) firefly.HandlerFunc {
		return func(ctx context.Context, task *store.Task) ([]byte, error) {
			b, err := next(ctx, task)
			return b, errors.Join(err, errBoom)
		}
	}
	res := fireflytest.Run(t, charge, func(context.Context, order) (string, error) { return "", nil }, order{1, 2},
		fireflytest.On(client), fireflytest.Worker(firefly.WorkerConfig{Middleware: []firefly.Middleware{wrapped}}))
	if res.Outcome != firefly.Retried || res.Task.Encoding != "json+base64" || !errors.Is(res.Err, errBoom) {
		t.Errorf("%s, encoded in %s, error %v", res.Outcome, res.Task.Encoding, res.Err)
	}
}

func TestRunFailsTheTest(t *testing.T) {
	s, mem := newShop(t)
	s.schedule(t, charge.Call(order{1, 1}, firefly.Unique("k")))
	run := func(task firefly.Task[order, string], opts ...fireflytest.Option) func(*fake) {
		return func(tb *fake) { fireflytest.Run(tb, task, s.charge(well), order{}, opts...) }
	}
	expectEnd(t, `run shop.charge: task 1 has the unique key "k"`, run(charge, fireflytest.On(s.client), fireflytest.With(firefly.Unique("k"))))
	expectEnd(t, `run a b: `, run(firefly.Declare[order, string]("a b")))
	expectEnd(t, "priority 9", run(charge, fireflytest.With(firefly.Priority(9))))
	expectEnd(t, "lease -1s", run(charge, fireflytest.Worker(firefly.WorkerConfig{Lease: -time.Second})))
	expectEnd(t, "does not support Getter", func(tb *fake) {
		client := fireflytest.NewClient(tb, bare(mem))
		fireflytest.Run(tb, charge, s.charge(well), order{}, fireflytest.On(client))
	})
	expectEnd(t, "function is nil", func(tb *fake) { fireflytest.Run(tb, charge, nil, order{}) })
	expectEnd(t, "the store is nil", func(tb *fake) { fireflytest.NewClient(tb, nil) })
	expectEnd(t, "the run of shop.charge ended as failed, want completed; its error: boom", func(tb *fake) {
		fireflytest.Run(tb, charge, s.charge(func(context.Context) error { return errBoom }), order{}).Require(tb, firefly.Completed)
	})
	expectEnd(t, "ended as failed, want completed; its error: panic: boom", func(tb *fake) {
		fireflytest.Run(tb, charge, s.charge(func(context.Context) error { panic(errBoom) }), order{}).Require(tb, firefly.Completed)
	})
	_ = mem.Close()
	expectEnd(t, "closed", run(charge, fireflytest.On(s.client)))
}

// In a bubble of fake time a time-out takes none.
func TestRunInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		res := fireflytest.Run(t, charge, func(ctx context.Context, _ order) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}, order{}, fireflytest.With(firefly.Timeout(time.Hour)))
		if res.Outcome != firefly.Failed || !errors.Is(res.Err, firefly.ErrTimeout) {
			t.Errorf("%s, error %v", res.Outcome, res.Err)
		}
	})
}

func TestRunReportsAnUnencodableResult(t *testing.T) {
	bad := firefly.Declare[firefly.None, func()]("bad")
	res := fireflytest.Run(t, bad, func(context.Context, firefly.None) (func(), error) { return func() {}, nil }, firefly.None{})
	var unsupported *json.UnsupportedTypeError
	if res.Outcome != firefly.Failed || !errors.As(res.Err, &unsupported) {
		t.Errorf("%s, error %v", res.Outcome, res.Err)
	}
}
