// Package store is the contract between Firefly's engine and the databases that keep its
// tasks. It holds no engine and no database: only [Store], the entity [Task], the errors, and
// the optional capabilities. To write a store of your own, implement the six methods of Store,
// then run package storetest on it; its cases cite the rules below by number.
//
// # The idea
//
// A store is dumb: it keeps tasks and answers six questions atomically. A task is due at one
// time, or it is held by a lease that has an end. There is no rescuer, no scheduler process and
// no leader: a claim first takes back what an ended lease held, then leases what is due. A
// lease belongs to one claim call, and every write that ends a run proves it, so a worker that
// lost its lease can change nothing.
//
// # Rules
//
//  1. Identity. Insert gives each task a positive id that no other task ever had or will have,
//     whatever became of the insertion. A task that comes with an id is a repeat: it is stored
//     only if no task with that id exists, live or finished. Finished tasks are kept for at
//     least ten minutes so that repeats find them; a task that was deleted may come back.
//  2. Input. Tasks, results and claims that break a stated bound are refused before anything
//     is written: see [NewTask.Validate], [CheckReturned], [Claim.Validate]. Error texts are
//     not refused but cleaned: see [CleanText].
//  3. Outcome. A call returns nil; or a definite error, after which nothing was changed; or a
//     [*BatchError], by which the named items were refused and all others applied; or any other
//     error, after which the outcome is unknown. See [IsDefinite]. In a transaction, a
//     BatchError means that nothing was changed.
//  4. Repeats. A call in doubt may be repeated as it is. Insert with its ids, and Complete or
//     Fail with the same lease, end like the call they repeat. A repeated Reschedule may be
//     refused with [ErrLeaseLost]. In a transaction nothing is a repeat: each Complete and Fail
//     there needs the lease to hold its task.
//  5. Life. A task is [Created] until it is claimed, [Running] while a lease holds it, and then
//     Created again or in a terminal state, where it stays: only Retry leaves it. Finished is
//     set by the store in every terminal state.
//  6. Leases. Complete, Fail and Reschedule change a task only if it is running and the lease
//     they name holds it; otherwise they refuse it with ErrLeaseLost and change nothing. A
//     lease that ended, but whose tasks were not taken back yet, still holds them.
//  7. Take-back. ClaimDue takes back the tasks of at least one ended lease, if there is one, of
//     whatever queue and name, before it claims; so it may claim them itself. A task taken back
//     is due since the lease's end and has one crash more. The lease holds nothing any more.
//  8. Claims. ClaimDue leases at most Limit tasks that are due, of the given names, from the
//     given queues without the paused ones. It takes them by priority, highest first; within
//     a priority by queue, in the order given; within a queue by due time, then by id; and
//     returns them so. Two claims never lease the same task. Tasks of other names, however
//     many lie in front, hide none for good: a store that bounds its look goes on there at the
//     next call. A Limit of zero, no names, or no queues: nothing is claimed or taken back.
//  9. Repeated claims. A claim under a lease id that was used before returns the tasks that the
//     lease still holds and claims no others, and does not prolong it. A store remembers an id
//     for as long as a reply may be on its way: for ten minutes, or ten thousand claims.
//  10. Time. Due, Created, LeaseEnd and all ages are on the store's one clock, never on a
//     caller's. A task is never claimed before its Due. A store with a coarse clock rounds
//     times to come up. An ETA in the past is due at once.
//  11. Settling. Complete stores the result. Fail and Reschedule append their error, if any, to
//     the history, of which the last ten are kept: see [AppendError]. Reschedule makes the task
//     Created: [Retry] counts one retry more and is due After from now, [Snooze] is due After
//     from now, [Release] changes neither due time nor counters.
//  12. Cancellation. A cancelled task that waits ends at once; a running one is flagged. The
//     flag outlives crashes. A flagged task may still complete; if it is failed, rescheduled in
//     whatever way, or taken back, it ends as [Cancelled].
//  13. Unique keys. While a task is live, no other live task has its key. The insertion of a
//     second one returns the first: [Existing], or if it asked to replace a waiting one,
//     [Replaced]. Every terminal state and deletion free the key.
//  14. Transactions. All writes of WithTx and of a [Tx] happen, or none, and nobody sees any
//     before the commit. A write that loses to another is a refused item or [ErrConflict]. Ids
//     of a transaction that was rolled back are not given again. At most [MaxTx] writes.
//  15. Transactions in doubt. A Release waits for an open commit that completes the same task,
//     or makes it fail; it never overtakes it. So one Release outside finds out: accepted, the
//     commit did not and will not happen; refused, it did, or the lease is lost.
//  16. Bytes. Params, Returned and Meta come back exactly as they went in, NUL and invalid
//     UTF-8 in the former two included. The store keeps no slice or map of a caller's, and a
//     caller may change what it got.
//  17. Pausing. Tasks of a paused queue are not claimed; its running tasks go on. It is durable.
//  18. Administration. Cancel, Retry, SetDue and Delete decide and act on each task in one step,
//     so that a task that changes meanwhile is judged by its new state. SetDue changes nothing
//     but the due time of tasks that wait, and so their place. Counts equal the rows.
//  19. Use. All methods may be called concurrently. After Close they return [ErrClosed], and
//     no goroutine is left. A call whose ctx has ended before it began changes nothing.
//  20. Parents. CompleteParent completes a task and inserts its children, or does neither. The
//     completion decides, and proves the lease. From then on the children will be there, even
//     if the caller dies: a store that inserts them later does so with a claim, as it takes
//     back. When the call returns nil they are there. No error after the completion is
//     definite. A repeat under the lease that completed the task is nil, and inserts no child
//     twice. A Release finds out as in rule 15.
package store
