package mutants_test

var mutants = []mutant{
	{
		fault: "a failed task has one retry too many", file: "verdict.go", killed: "TestRetryTimes",
		is:     `r.task.Retries < r.task.MaxRetries`,
		broken: `r.task.Retries <= r.task.MaxRetries`,
	},
	{
		fault: "a failed task has one retry too few", file: "verdict.go", killed: "TestRetryTimes",
		is:     `r.task.Retries < r.task.MaxRetries`,
		broken: `r.task.Retries+1 < r.task.MaxRetries`,
	},
	{
		fault: "a shutdown costs the runs that it ends", file: "verdict.go", killed: "TestShutdown",
		is:     `case errors.Is(cause, ErrShutdown), errors.Is(cause, store.ErrLeaseLost):`,
		broken: `case errors.Is(cause, store.ErrLeaseLost):`,
	},
	{
		fault: "the first queue is always served first", file: "claim.go", killed: "TestNobodyStarves",
		is:     `first := turn % len(w.config.Queues)`,
		broken: `first := 0 * turn`,
	},
	{
		fault: "a claim in doubt is repeated under another lease", file: "claim.go", killed: "TestSettlingInDoubt",
		is:     `tasks, err := w.claimOnce(c)`,
		broken: "c.Lease = store.NewLeaseID()\n\t\ttasks, err := w.claimOnce(c)",
	},
	{
		fault: "a lease is relied on from the reply on", file: "claim.go", killed: "TestWithoutExtenderTheLeaseIsTheLimit",
		is:     `sent.Add(safe(c.For))`,
		broken: `time.Now().Add(2 * c.For)`,
	},
	{
		fault: "a heartbeat does not count", file: "lease.go", killed: "TestHeartbeatKeepsLongTasks",
		is:     `l.deadline = sent.Add(safe(w.config.Lease))`,
		broken: `_ = sent`,
	},
	{
		fault: "a lease that the store calls lost is kept", file: "lease.go", killed: "TestLostLeaseEndsHandlers",
		is:     "case e.Lost:\n\t\t\tl.lose()",
		broken: `case e.Lost:`,
	},
	{
		fault: "a failed extension is not tried again in time", file: "lease.go", killed: "TestFailedExtensionIsTriedAgain",
		is:     `next = w.config.Lease / 10`,
		broken: `next = w.config.Lease`,
	},
	{
		fault: "the end of a lease is not seen", file: "lease.go", killed: "TestCutOffWorkerLosesItsTask",
		is:     "\tl.lose()\n}\n\nfunc (l *lease) lose()",
		broken: "}\n\nfunc (l *lease) lose()",
	},
	{
		fault: "a settling in doubt is forgotten to be in doubt", file: "settle.go", killed: "TestRescheduledInDoubtEndsUnknown",
		is:     "\t\tdoubt = true\n\t\tw.trouble(\"settle in doubt",
		broken: `		w.trouble("settle in doubt`,
	},
	{
		fault: "one bad completion takes the others with it", file: "settle.go", killed: "TestWholeBatchOfCompletionsRefusedIsSentOneByOne",
		is:     "for i := range items {\n\t\t\t\ts.write(send, items[i:i+1])\n\t\t\t}",
		broken: `s.applied(items, []store.Refusal{{Err: err}}, doubt)`,
	},
	{
		fault: "a result that the store refuses is dropped", file: "settle.go", killed: "TestOneBadCompletionFailsAlone",
		is:     `s.submit(settlement{it.run, verdict{outcome: Failed, err: refusal}})`,
		broken: `s.worker.drop(it.run)`,
	},
	{
		fault: "a commit in doubt is answered by a completion", file: "commit.go", killed: "TestCommitInDoubt",
		is:     `return verdict{outcome: Released, doubt: sent, err: err}`,
		broken: `return verdict{outcome: Completed, returned: returned, doubt: sent, err: err}`,
	},
	{
		fault: "children of a task without a transaction are dropped", file: "commit.go", killed: "TestEffectsExistIfAndOnlyIfTheParentCompletes",
		is:     `if tx == nil && len(staged) == 0 {`,
		broken: `if tx == nil {`,
	},
	{
		fault: "a completion goes beside its transaction", file: "commit.go", killed: "TestCommitInDoubt",
		is:     `if err := tx.Complete(ctx, done); err != nil || len(staged) == 0 {`,
		broken: `if err := w.store.Complete(ctx, done); err != nil || len(staged) == 0 {`,
	},
	{
		fault: "a conflict costs a retry at once", file: "execute.go", killed: "TestConflicts",
		is:     `conflicts == freeConflicts ||`,
		broken: `conflicts == 0 ||`,
	},
	{
		fault: "conflicts are free for ever", file: "execute.go", killed: "TestConflicts",
		is:     `conflicts == freeConflicts ||`,
		broken: `false ||`,
	},
	{
		fault: "a poison task is run once more", file: "execute.go", killed: "TestMaxCrashes",
		is:     `case crashes > r.handler.settings.maxCrashes:`,
		broken: `case crashes > r.handler.settings.maxCrashes+1:`,
	},
	{
		fault: "suspects run among others", file: "execute.go", killed: "TestSuspectsRunAlone",
		is:     `case isSuspect(&r.task):`,
		broken: `case crashes >= 1000:`,
	},
	{
		fault: "suspects are claimed by the hundred, and given back", file: "caution.go", killed: "TestManySuspectsAreClaimedOneByOne",
		is:     `c.most = 1`,
		broken: `c.most = mostClaimed`,
	},
	{
		fault: "a failed handler's transaction stays open", file: "execute.go", killed: "TestFailedHandlersTransactionIsRolledBack",
		is:     `_ = tx.Rollback(context.WithoutCancel(r.ctx))`,
		broken: `_ = tx`,
	},
	{
		fault: "a panic is not caught", file: "execute.go", killed: "TestVerdicts",
		is:     `if p := recover(); p != nil {`,
		broken: `if p := any(nil); p != nil {`,
	},
	{
		fault: "a handler that ends its goroutine completes its task", file: "execute.go", killed: "TestVerdicts",
		is:     `v = r.judge(errGoexit)`,
		broken: `v = verdict{outcome: Completed}`,
	},
	{
		fault: "time-outs are ignored", file: "execute.go", killed: "TestVerdicts",
		is:     `if d := r.task.Timeout; d > 0 {`,
		broken: `if d := r.task.Timeout; d < 0 {`,
	},
	{
		fault: "results have no bound", file: "execute.go", killed: "TestPayloadsThatFail",
		is:     `err == nil && len(returned) > most`,
		broken: `err == nil && len(returned) > 1000*most`,
	},
	{
		fault: "the first middleware is innermost", file: "execute.go", killed: "TestMiddlewareOrderAndMeta",
		is:     `slices.Backward(w.config.Middleware)`,
		broken: `slices.All(w.config.Middleware)`,
	},
	{
		fault: "the buffer takes the least urgent first", file: "buffer.go", killed: "TestUrgentTaskOvertakesTheBuffer",
		is:     `cmp.Compare(y.Priority, x.Priority)`,
		broken: `cmp.Compare(x.Priority, y.Priority)`,
	},
	{
		fault: "the buffer does not keep the order", file: "buffer.go", killed: "TestOrderIsKeptAtConcurrencyOne",
		is:     `x.Due.Compare(y.Due), cmp.Compare(x.ID, y.ID)`,
		broken: `y.Due.Compare(x.Due), cmp.Compare(y.ID, x.ID)`,
	},
	{
		fault: "slow tasks are claimed in advance", file: "pace.go", killed: "TestSlowTasksAreNotHeld",
		is:     "\t\treturn 0\n",
		broken: "\t\treturn mostPrefetched\n",
	},
	{
		fault: "what waits in the buffer is kept", file: "runner.go", killed: "TestStaleBufferIsReleased",
		is:     `time.AfterFunc(stale+time.Millisecond, w.releaseStale)`,
		broken: `_ = stale`,
	},
	{
		fault: "a refused repeat passes for a refusal", file: "insert.go", killed: "TestRefusedRepeatLeavesDoubt",
		is:     `!doubt && store.IsDefinite(err)`,
		broken: `(doubt || !doubt) && store.IsDefinite(err)`,
	},
	{
		fault: "an insert in doubt is a failure", file: "insert.go", killed: "TestRefusedRepeatLeavesDoubt",
		is:     "\t\tdoubt = true\n\t\tif try",
		broken: `		if try`,
	},
	{
		fault: "a handler on another store stages", file: "insert.go", killed: "TestOnlyTheSameStoreStages",
		is:     `a != nil && sameStore(a.run.worker.store, c.store)`,
		broken: `a != nil`,
	},
	{
		fault: "a refusal goes to the wrong caller", file: "coalesce.go", killed: "TestOneBadMemberFailsAlone",
		is:     `r.Index >= first && r.Index < end`,
		broken: `r.Index >= first`,
	},
	{
		fault: "who leaves in flight is told that nothing was stored", file: "coalesce.go", killed: "TestCancelledInFlight",
		is:     "\t\treturn context.Cause(ctx)\n",
		broken: "\t\treturn store.Definite(context.Cause(ctx))\n",
	},
	{
		fault: "a batch that is refused fails all its members", file: "coalesce.go", killed: "TestWholeBatchRefusedIsSentOneByOne",
		is:     `store.IsDefinite(err) && len(batch) > 1 {`,
		broken: `store.IsDefinite(err) && len(batch) > 1000 {`,
	},
	{
		fault: "a retry is a release", file: "send.go", killed: "TestRetryTimes",
		is:     `r.Kind, r.Err = store.Retry, it.attemptError()`,
		broken: `r.Kind, r.Err = store.Release, it.attemptError()`,
	},
	{
		fault: "a cancelled task fails", file: "send.go", killed: "TestVerdicts",
		is:     `Cancelled: it.outcome == Cancelled,`,
		broken: `Cancelled: false,`,
	},
	{
		fault: "errors are not kept", file: "send.go", killed: "TestVerdicts",
		is:     `if s.err == nil {`,
		broken: `if s.err != nil {`,
	},
	{
		fault: "delays double once too often", file: "retry.go", killed: "TestDoublingSaturates",
		is:     `for range failures - 1 {`,
		broken: `for range failures {`,
	},
}
