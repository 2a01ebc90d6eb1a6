// Package fireflytest helps to test code that schedules tasks, and the handlers that run them. All
// of it works with the engine's own worker: what a test sees is what happens in production.
//
// [Run] runs one handler once, and returns what came of it:
//
//	res := fireflytest.Run(t, Charge, charge, Order{1, 100}).Require(t, firefly.Completed)
//	if res.Returned != "receipt 1" { ... }
//
// [RequireScheduled] looks for a task, in the words by which it is scheduled:
//
//	fireflytest.RequireScheduled(t, client, SendMail, Mail{"a@b"}, firefly.Delay(time.Hour))
//
// [Drain] runs all that is due, and [DrainAll] also what falls due later. They need no waiting:
// the clock of a store made by [NewStore] stands still until it is told to move, and DrainAll
// moves it from task to task, so that a retry in an hour comes at once.
//
// Every failure is one line on the test that called. The functions may be called concurrently, each
// with a test of its own; like all that ends a test, from the goroutine that runs it.
package fireflytest
