package firefly_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

func ExampleTask_Schedule() {
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{Add.Handle(add)} })
	defer app.stop()

	h, err := Add.Schedule(app, app.client, AddArgs{20, 22}, firefly.Delay(20*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := h.Scheduled()
	fmt.Println(stored.Name, stored.Queue, stored.Due.Sub(stored.Created) >= 20*time.Millisecond)

	sum, err := h.Wait(app)
	fmt.Println(sum, err)
	// Output:
	// math.add default true
	// 42 <nil>
}

func ExampleClient_ScheduleMany() {
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{Add.Handle(add)} })
	defer app.stop()

	one, two := Add.Call(AddArgs{1, 1}), Add.Call(AddArgs{2, 2}, firefly.Priority(1))
	if err := app.client.ScheduleMany(app, one, two); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(must(one.Handle().Wait(app)), must(two.Handle().Wait(app)))
	// Output: 2 4
}

func ExampleTask_Find() {
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{Add.Handle(add)} })
	defer app.stop()
	id := must(Add.Schedule(app, app.client, AddArgs{3, 4})).ID()

	later := Add.Find(app.client, id) // by the id alone, in another program perhaps
	fmt.Println(must(later.Wait(app)))

	sum, err := later.Returned(app)
	fmt.Println(sum, err)
	// Output:
	// 7
	// 7 <nil>
}

func ExampleUnique() {
	report := firefly.Declare[string, firefly.None]("report.build")
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{Add.Handle(add)} })
	defer app.stop()

	first := must(report.Schedule(app, app.client, "monday", firefly.Unique("report")))
	second := must(report.Schedule(app, app.client, "tuesday", firefly.Unique("report")))
	fmt.Println(second.Existing(), second.ID() == first.ID())
	// Output: true true
}

func ExampleAliases() {
	old := firefly.Declare[AddArgs, int]("sums.plus")
	renamed := firefly.Define("math.plus", add, firefly.Aliases("sums.plus"))
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{renamed} })
	defer app.stop()

	fmt.Println(must(must(old.Schedule(app, app.client, AddArgs{1, 2})).Wait(app)))
	// Output: 3
}

func ExampleHandle_Cancel() {
	app := start(func(*firefly.Client) []firefly.Handler { return []firefly.Handler{Add.Handle(add)} })
	defer app.stop()

	h := must(Add.Schedule(app, app.client, AddArgs{1, 2}, firefly.Delay(time.Hour)))
	fmt.Println(h.Cancel(app))

	_, err := h.Wait(context.Background())
	fmt.Println(err)
	// Output:
	// <nil>
	// firefly: task 1 (math.add) cancelled after 0 attempts
}
