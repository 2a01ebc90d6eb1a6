package firefly_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// Middleware on both sides carries a request's id from the one who schedules to the handler.
func ExampleMiddleware() {
	type requestID struct{}
	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{Middleware: []firefly.ClientMiddleware{
		func(next firefly.ScheduleFunc) firefly.ScheduleFunc {
			return func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
				for i := range tasks {
					tasks[i].Meta = map[string]string{"request": fmt.Sprint(ctx.Value(requestID{}))}
				}
				return next(ctx, tasks)
			}
		},
	}}))
	cfg := firefly.WorkerConfig{Middleware: []firefly.Middleware{
		func(next firefly.HandlerFunc) firefly.HandlerFunc {
			return func(ctx context.Context, task *store.Task) ([]byte, error) {
				return next(context.WithValue(ctx, requestID{}, task.Meta["request"]), task)
			}
		},
	}}
	who := firefly.Define("who.asked", func(ctx context.Context, _ firefly.None) (any, error) {
		return ctx.Value(requestID{}), nil
	})
	app := startOn(s, client, cfg, who)
	defer app.stop()

	ctx := context.WithValue(app.Context, requestID{}, "r-42")
	fmt.Println(must(who.Schedule(ctx, client, firefly.None{})).Wait(app))
	// Output: r-42 <nil>
}

func ExampleHooks() {
	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{}))
	ended := make(chan firefly.Outcome, 1)
	app := startOn(s, client, firefly.WorkerConfig{Hooks: firefly.Hooks{
		Ended: func(_ firefly.Info, end firefly.End) { ended <- end.Outcome },
	}}, Add.Handle(add))
	defer app.stop()

	must(Add.Schedule(app, client, AddArgs{1, 2}))
	fmt.Println(<-ended)
	// Output: completed
}

// A codec of one's own.
type xmlCodec struct{}

func (xmlCodec) Name() string                       { return "xml" }
func (xmlCodec) Marshal(v any) ([]byte, error)      { return xml.Marshal(v) }
func (xmlCodec) Unmarshal(data []byte, v any) error { return xml.Unmarshal(data, v) }

func ExampleCodec() {
	codec := firefly.Base64(xmlCodec{})
	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{Codec: codec}))
	app := startOn(s, client, firefly.WorkerConfig{Codecs: []firefly.Codec{codec}}, Add.Handle(add))
	defer app.stop()

	h := must(Add.Schedule(app, client, AddArgs{1, 3}))
	sum, err := h.Wait(app)
	fmt.Println(sum, err, h.Scheduled().Encoding)
	// Output: 4 <nil> xml+base64
}

// A task that exists if and only if the application's own transaction commits.
func ExampleClient_In() {
	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{}))
	app := startOn(s, client, firefly.WorkerConfig{}, Add.Handle(add))
	defer app.stop()

	tx := must(s.Begin(app))
	h := must(Add.Schedule(app, client.In(tx), AddArgs{1, 3}))
	_, err := h.Task(app)
	fmt.Println(err)

	fmt.Println(tx.Commit(app))
	fmt.Println(h.Wait(app))
	// Output:
	// firefly: read task 1: no such task
	// <nil>
	// 4 <nil>
}

// A worker that serves several queues with a concurrency of its own.
func ExampleNewWorker() {
	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{}))
	app := startOn(s, client, firefly.WorkerConfig{
		Queues:        []string{"urgent", "default"},
		Concurrency:   4,
		Lease:         time.Minute,
		ShutdownGrace: 5 * time.Second,
	}, Add.Handle(add))
	defer app.stop()

	fmt.Println(must(Add.Schedule(app, client, AddArgs{2, 2}, firefly.Queue("urgent"))).Wait(app))
	// Output: 4 <nil>
}
