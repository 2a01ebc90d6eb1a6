// Package firefly runs background tasks whose record is kept in a database of your choice.
//
// # A tour
//
// Declare a task: a name that is stored, and the types of its argument and result.
//
//	var Add = firefly.Declare[AddArgs, int]("math.add", firefly.MaxRetries(3))
//
// Schedule it, through a [Client] on a store. The handle is typed, and waits for the result:
//
//	h, err := Add.Schedule(ctx, client, AddArgs{1, 3}, firefly.Delay(time.Minute))
//	sum, err := h.Wait(ctx)
//
// Run it, here or in another program, with a [Worker] on the same store. A handler is an
// ordinary function, which may block:
//
//	w, err := firefly.NewWorker(s, firefly.WorkerConfig{}, Add.Handle(add))
//	err = w.Run(ctx)
//
// A handler's error means a retry, as long as the task has one left. [Permanent], [Snooze] and
// [Cancel] say otherwise. A task scheduled inside a handler exists if and only if the handler's
// own task completes.
//
// # What is promised
//
// Once Schedule returned nil, the task is stored, and runs until it is completed or cancelled,
// or has failed with a reason on record. Its handler is called at least once: if a worker dies,
// or is cut off from its store for longer than a lease, another worker calls it again, and a
// handler that has effects elsewhere must bear that. What it does through the store's own
// transaction (see [store.AttemptTx]), and the tasks that it schedules, happen exactly once:
// they are committed together with the completion, which a worker that lost its lease cannot
// commit any more.
//
// # How it works
//
// A worker claims due tasks in batches. Each claim is a lease with an end, which the worker
// extends every third of it, for all of its claims in one call. Every write that ends a run
// proves the lease. If a lease ends, the next claim of any worker takes its tasks back and
// counts a crash. So nothing watches over the tasks but the claims themselves. Deadlines are
// the store's; a worker relies only on its own monotonic clock, and a little less.
//
// Tasks run on as many goroutines as the worker has slots. If handlers are quick, tasks are
// claimed ahead, for the next 50 milliseconds; what waits longer than a second is given back.
// Calls of Schedule that come while an insert is under way share the next one.
//
// Verdicts are written in batches, too: while one write is under way, the next gathers. A write
// whose outcome is unknown is repeated as it is. Only a commit that carries a handler's effects
// is not: the task is released instead, and by the answer the worker knows whether it had
// committed. A task that was under way in two crashes is run alone in its process, so that one
// that kills its workers takes no others with it, and fails after [MaxCrashes].
//
// # Where things are
//
// task.go, option.go and codec.go declare; client.go, entry.go, coalesce.go and handle.go
// schedule and read; worker.go is a worker's life, claim.go, pace.go, lease.go and quarantine.go
// what it takes up, buffer.go and runner.go who runs it, execute.go, attempt.go, commit.go,
// verdict.go and retry.go a run, settle.go and send.go how it ends, retention.go for how long that
// is kept; args.go and observe.go are for those who watch.
package firefly
