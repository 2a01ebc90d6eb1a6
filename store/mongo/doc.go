// Package mongo keeps tasks in MongoDB, with every capability of package store: see [New]. On a
// replica set, or behind mongos, tasks take part in transactions: see [Session] and [Store.In]. A
// stand-alone server has none, and [Store.WithTx] says so.
//
// Each task is one document of its own for as long as it is kept, so whatever happens to a task
// happens in one step on any server. A claim finds candidates, takes them by a compare-and-set under
// its lease's id, and reads back those that it won. Only an extension of a lease, which is a document
// of its own, leaves the task alone: so it never conflicts with a transaction that completes the task.
package mongo
