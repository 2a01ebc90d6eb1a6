package firefly_test

import (
	"context"
	"expvar"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store/memory"
)

// Metrics of a worker. Of other libraries, give the hooks their counters in the same way.
func ExampleHooks_metrics() {
	var outcomes, trouble expvar.Map
	var late expvar.Float
	hooks := firefly.Hooks{
		Started: func(_ context.Context, info firefly.Info) { late.Set(time.Since(info.Task.Due).Seconds()) },
		Ended:   func(info firefly.Info, end firefly.End) { outcomes.Add(info.Task.Name+" "+string(end.Outcome), 1) },
		Trouble: func(doing string, _ error) { trouble.Add(doing, 1) },
	}

	s := memory.New()
	client := must(firefly.NewClient(s, firefly.ClientConfig{}))
	app := startOn(s, client, firefly.WorkerConfig{Hooks: hooks}, Add.Handle(add))
	h := must(Add.Schedule(app, client, AddArgs{1, 2}))
	must(h.Wait(app))
	app.stop()
	fmt.Println(outcomes.String(), trouble.String(), late.Value() < 60)
	// Output: {"math.add completed": 1} {} true
}
