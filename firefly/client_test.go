package firefly_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

func TestScheduleInDoubt(t *testing.T) {
	for name, test := range map[string]struct {
		before, after func(string) error
		stored        int
		known         bool
	}{
		"request lost once":    {before: first(1, "Insert"), stored: 1, known: true},
		"reply lost once":      {after: first(1, "Insert"), stored: 1, known: true},
		"reply lost 3 times":   {after: first(3, "Insert"), stored: 1, known: true},
		"requests always lost": {before: first(1000, "Insert"), stored: 0},
		"replies always lost":  {after: first(1000, "Insert"), stored: 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.store.before, w.store.after = test.before, test.after
				call := Add.Call(AddArgs{1, 3})
				err := w.client.ScheduleMany(w.Context(), call)
				if known := err == nil; known != test.known || !known && !errors.Is(err, firefly.ErrUnknownOutcome) {
					t.Fatalf("error %v", err)
				}
				w.countIs(test.stored)
				w.store.before, w.store.after = nil, nil
				if err := w.client.ScheduleMany(w.Context(), call); err != nil {
					t.Fatalf("the same call again: %v", err)
				}
				w.countIs(1)
				if h := call.Handle(); h.ID() != 1 || h.Existing() {
					t.Fatalf("handle of task %d", h.ID())
				}
			})
		})
	}
}

// countIs fails the test unless the store holds that many tasks.
func (w *world) countIs(want int) {
	w.Helper()
	all, err := w.store.List(context.Background(), store.Filter{}, store.Page{Limit: 10_000})
	if err != nil || len(all) != want {
		w.Fatalf("%d tasks are stored, want %d; error %v", len(all), want, err)
	}
}

func TestScheduleManyNamesTheRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		bad := 1500
		c, err := firefly.NewClient(w.store, firefly.ClientConfig{Middleware: []firefly.ClientMiddleware{
			func(next firefly.ScheduleFunc) firefly.ScheduleFunc {
				return func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
					for i := range tasks {
						if string(tasks[i].Params) == "1500" {
							tasks[i].Priority = 9
						}
					}
					return next(ctx, tasks)
				}
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		task := firefly.Declare[int, int]("n")
		calls := make([]firefly.AnyCall, 2500)
		for i := range calls {
			calls[i] = task.Call(i)
		}
		err = c.ScheduleMany(w.Context(), calls...)
		var batch *store.BatchError
		if !errors.As(err, &batch) || len(batch.Refused) != 1 || batch.Refused[0].Index != bad || !errors.Is(err, store.ErrInvalid) {
			t.Fatalf("error %v", err)
		}
		w.countIs(2499)
	})
}

func TestOneFaultyCallStopsAll(t *testing.T) {
	inWorld(t, func(w *world) {
		err := w.client.ScheduleMany(w.Context(), Add.Call(AddArgs{}), Add.Call(AddArgs{}, firefly.Priority(9)))
		if err == nil || !strings.Contains(err.Error(), "call 2 of 2") {
			t.Fatalf("error %v", err)
		}
		w.countIs(0)
	})
}

func TestMiddlewareOrderAndMeta(t *testing.T) {
	inWorld(t, func(w *world) {
		var seen []string
		note := func(name string) firefly.ClientMiddleware {
			return func(next firefly.ScheduleFunc) firefly.ScheduleFunc {
				return func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
					seen = append(seen, name)
					tasks[0].Meta = map[string]string{"by": name}
					return next(ctx, tasks)
				}
			}
		}
		c, err := firefly.NewClient(w.store, firefly.ClientConfig{Middleware: []firefly.ClientMiddleware{note("outer"), note("inner")}})
		if err != nil {
			t.Fatal(err)
		}
		h := scheduled[int](w)(Add.Schedule(w.Context(), c, AddArgs{1, 2}))
		if h.Scheduled().Meta["by"] != "inner" || w.task(h.ID()).Meta["by"] != "inner" {
			t.Fatalf("meta %v", h.Scheduled().Meta)
		}

		wrap := func(name string) firefly.Middleware {
			return func(next firefly.HandlerFunc) firefly.HandlerFunc {
				return func(ctx context.Context, task *store.Task) ([]byte, error) {
					seen = append(seen, name+" by "+task.Meta["by"])
					return next(ctx, task)
				}
			}
		}
		w.work(firefly.WorkerConfig{Middleware: []firefly.Middleware{wrap("outer"), wrap("inner")}}, Add.Handle(add))
		if sum, err := h.Wait(w.Context()); sum != 3 || err != nil {
			t.Fatalf("sum %d, error %v", sum, err)
		}
		if want := []string{"outer", "inner", "outer by inner", "inner by inner"}; !slices.Equal(seen, want) {
			t.Fatalf("middleware ran as %q, want %q", seen, want)
		}
	})
}

func TestMiddlewareMayNotDropTasks(t *testing.T) {
	inWorld(t, func(w *world) {
		c, err := firefly.NewClient(w.store, firefly.ClientConfig{Middleware: []firefly.ClientMiddleware{
			func(next firefly.ScheduleFunc) firefly.ScheduleFunc {
				return func(ctx context.Context, _ []store.NewTask) ([]store.Inserted, error) { return next(ctx, nil) }
			},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Add.Schedule(w.Context(), c, AddArgs{}); err == nil || !strings.Contains(err.Error(), "number of tasks") {
			t.Fatalf("error %v", err)
		}
		w.countIs(0)
	})
}

func TestClosedStore(t *testing.T) {
	inWorld(t, func(w *world) {
		h := scheduled[int](w)(Add.Schedule(w.Context(), w.client, AddArgs{}))
		worker, err := firefly.NewWorker(w.store, firefly.WorkerConfig{Logger: quiet()}, Add.Handle(add))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(w.store); err != nil {
			t.Fatal(err)
		}
		_, scheduleErr := Add.Schedule(w.Context(), w.client, AddArgs{})
		_, waitErr := h.Wait(w.Context())
		for doing, err := range map[string]error{
			"schedule": scheduleErr, "wait": waitErr, "cancel": h.Cancel(w.Context()), "run": worker.Run(w.Context()),
		} {
			if !errors.Is(err, store.ErrClosed) {
				t.Errorf("%s: error %v, want ErrClosed", doing, err)
			}
		}
	})
}

// sixMethods hides all capabilities.
type sixMethods struct{ store.Store }

func TestHandleWithoutCapabilities(t *testing.T) {
	s := sixMethods{memory.New()}
	h, err := Add.Schedule(t.Context(), newClient(t, s), AddArgs{})
	if err != nil {
		t.Fatal(err)
	}
	_, waitErr := h.Wait(t.Context())
	_, returnedErr := h.Returned(t.Context())
	for doing, err := range map[string]error{"wait": waitErr, "returned": returnedErr, "cancel": h.Cancel(t.Context())} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: error %v, want ErrUnsupported", doing, err)
		}
	}
}

func TestHandleOfEachEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		task := firefly.Define("task", func(_ context.Context, how string) (string, error) {
			switch how {
			case "fail":
				return "", errors.New("boom")
			case "cancel":
				return "", firefly.Cancel(errors.New("no need"))
			}
			return how, nil
		})
		w.work(firefly.WorkerConfig{}, task)
		ends := map[string]error{}
		for _, how := range []string{"well", "fail", "cancel"} {
			h := scheduled[string](w)(task.Schedule(w.Context(), w.client, how))
			got, err := h.Wait(w.Context())
			if again, err2 := task.Find(w.client, h.ID()).Returned(w.Context()); again != got || (err2 == nil) != (err == nil) {
				t.Errorf("%s: Wait says %q, %v; Returned %q, %v", how, got, err, again, err2)
			}
			ends[how] = err
		}
		var failed, cancelled *firefly.TaskError
		if ends["well"] != nil || !errors.As(ends["fail"], &failed) || !errors.As(ends["cancel"], &cancelled) {
			t.Fatalf("ends %v", ends)
		}
		if failed.Status != store.Failed || failed.Last != "boom" || failed.Attempts != 1 || errors.Is(failed, firefly.ErrCancelled) {
			t.Errorf("failed as %+v", failed)
		}
		if cancelled.Status != store.Cancelled || cancelled.Last != "no need" || !errors.Is(cancelled, firefly.ErrCancelled) {
			t.Errorf("cancelled as %+v", cancelled)
		}
		later := scheduled[string](w)(task.Schedule(w.Context(), w.client, "later", firefly.Delay(time.Hour)))
		if _, err := later.Returned(w.Context()); !errors.Is(err, firefly.ErrNotFinished) {
			t.Errorf("result of a waiting task: %v", err)
		}
		if _, err := task.Find(w.client, 12345).Wait(w.Context()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("wait for an unknown task: %v", err)
		}
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		if _, err := later.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait with a deadline: %v", err)
		}
	})
}

func TestPayloadsThatFail(t *testing.T) {
	inWorld(t, func(w *world) {
		stored := func(encoding string, params string) int64 {
			in, err := w.store.Insert(w.Context(), []store.NewTask{{
				Name: "task", Queue: "default", Encoding: encoding, Params: []byte(params), MaxRetries: 5,
			}})
			if err != nil {
				t.Fatal(err)
			}
			return in[0].ID
		}
		task := firefly.Define("task", func(_ context.Context, how string) (any, error) {
			if how == "large" {
				return strings.Repeat("x", 200), nil
			}
			return func() {}, nil
		})
		ids := map[int64]string{
			stored("json", `{"no":"string"}`): "decode params",
			stored("runes", `"x"`):            `no codec for encoding "runes"`,
			stored("json", `"unencodable"`):   "encode result",
			stored("json", `"large"`):         "the worker's limit is 100 bytes",
		}
		w.work(firefly.WorkerConfig{MaxReturned: 100}, task)
		for id, want := range ids {
			_, err := task.Find(w.client, id).Wait(w.Context())
			var failed *firefly.TaskError
			if !errors.As(err, &failed) || failed.Attempts != 1 || !strings.Contains(failed.Last, want) {
				t.Errorf("task %d ended with %v, want one run and %q", id, err, want)
			}
		}
	})
}

func TestUniqueOptions(t *testing.T) {
	inWorld(t, func(w *world) {
		a := scheduled[int](w)(Add.Schedule(w.Context(), w.client, AddArgs{1, 1}, firefly.Unique("k")))
		b := scheduled[int](w)(Add.Schedule(w.Context(), w.client, AddArgs{2, 2}, firefly.Unique("k")))
		c := scheduled[int](w)(Add.Schedule(w.Context(), w.client, AddArgs{3, 3}, firefly.UniqueReplace("k")))
		if a.Existing() || !b.Existing() || !c.Existing() || b.ID() != a.ID() || c.ID() != a.ID() {
			t.Fatalf("handles of tasks %d, %d, %d", a.ID(), b.ID(), c.ID())
		}
		w.work(firefly.WorkerConfig{}, Add.Handle(add))
		if sum, err := b.Wait(w.Context()); sum != 6 || err != nil {
			t.Fatalf("sum %d, error %v: want the replacing arguments", sum, err)
		}
	})
}
