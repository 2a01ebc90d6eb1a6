// Package mongo keeps tasks in MongoDB 4.4.2 or later, beside the application's own documents, with every
// capability of package store. [New] takes a database of the application's client; [Store.Migrate] makes
// the collections.
//
// On a replica set, or behind mongos, tasks take part in transactions: in a handler's, which commits with
// its task, see [Session], and in the application's own, see [Store.In]. A stand-alone server has none,
// and [Store.WithTx] says so; the tasks that a handler schedules still exist if and only if its own
// completes, see [Store.CompleteParent].
//
// # Layout
//
// Each task is one document of its own for as long as it is kept, so whatever happens to a task
// happens in one step on any server. A claim finds candidates, takes them by a compare-and-set under
// its lease's id, and reads back those that it won. Only an extension of a lease, which is a document
// of its own, leaves the task alone: so it never conflicts with a transaction that completes the task.
//
// With each change goes a tally, a document among the tasks that says by how much the counts change.
// The collections must not be sharded: a unique index keeps the keys of live tasks apart.
//
// # Housekeeping
//
// Each process does it while it writes or claims: it frees tasks that a claim took after its lease had ended,
// stores the children that a killed process left behind, adds up tallies, and deletes what is past its
// retention, which is logged.
//
// The store's clock is the server's. Every write waits for the journals of a majority. What is promised
// on which deployment, and what of it was tested, is in docs/stores.md.
package mongo
