// Package postgres keeps tasks in PostgreSQL 15 or later, beside the application's own tables, so
// that a task and the rows it is about are one transaction.
//
// [New] takes the application's pool and dials a small one of its own with the same settings, for
// claims, heartbeats and verdicts: handlers that have every connection of the application's in
// use lose no lease. Transactions of handlers (see [Tx]) and of [Store.Begin] use the
// application's. [Store.Migrate] makes the tables, in a schema of their own.
//
// # Layout
//
// A live task is a row of the table task, which a claim does not touch. What waits has a narrow
// row in ready: a claim deletes those rows and inserts one row in lease, which is the fence and
// the deadline of all the tasks it lists. What has ended is moved to completed or failed, which
// have a partition for each day. The functions that do so are in the schema, too, and pin their
// plans; they carry a version, so that programs of two releases work side by side.
//
// # Housekeeping
//
// Every store does it, now and then, in proportion to its own work: it vacuums the tables that
// claims churn, since autovacuum comes too seldom; makes partitions two weeks ahead and drops
// those past their retention; and adds up counts. For that its role has to own the tables.
//
// The store's clock is the server's.
package postgres
