package storetest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// inTx is a WithTx whose writer is changed.
func inTx(change func(b *broken, tx store.Writer) store.Writer) func(*broken) {
	return func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			return b.Store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error { return fn(ctx, change(b, tx)) })
		}
	}
}

var brokenTxs = []brokenStore{
	{"a transaction is none", "TxRollbackLeavesRunning", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error { return fn(ctx, b.Store) }
	}},
	{"a transaction never commits", "TxEffectsAtomic", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			_ = b.Store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
				if err := fn(ctx, tx); err != nil {
					return err
				}
				return errRollback
			})
			return nil
		}
	}},
	{"a transaction does not check leases", "TxTwoAttemptsOneEffect", inTx(func(b *broken, tx store.Writer) store.Writer {
		return brokenTx{Writer: tx, complete: func(ctx context.Context, done []store.Completion) error {
			done = slices.Clone(done)
			for i := range done {
				done[i].Lease = b.holder(ctx, done[i].ID)
			}
			return tx.Complete(ctx, done)
		}}
	})},
	{"a transaction forgets refused items", "TxStaleLeaseRollsBack", inTx(func(b *broken, tx store.Writer) store.Writer {
		return brokenTx{Writer: tx, complete: func(ctx context.Context, done []store.Completion) error {
			done = slices.DeleteFunc(slices.Clone(done), func(c store.Completion) bool { return b.holder(ctx, c.ID) != c.Lease })
			return tx.Complete(ctx, done)
		}}
	})},
	{"a transaction accepts repeats", "TxRepeatRefused", inTx(func(b *broken, tx store.Writer) store.Writer {
		return brokenTx{Writer: tx, complete: func(ctx context.Context, done []store.Completion) error {
			if b.holder(ctx, done[0].ID).IsZero() {
				return nil
			}
			return tx.Complete(ctx, done)
		}}
	})},
	{"a transaction drops invalid tasks", "TxInvalidRefused", inTx(func(_ *broken, tx store.Writer) store.Writer {
		return brokenTx{Writer: tx, insert: func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			out := make([]store.Inserted, len(tasks))
			for i := range tasks {
				if tasks[i].Validate() == nil {
					_, _ = tx.Insert(ctx, tasks[i:i+1])
				}
			}
			return out, nil
		}}
	})},
	{"a transaction drops what is too much", "TxTooLargeRefused", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			writes := 0
			return b.Store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
				return fn(ctx, brokenTx{Writer: tx, insert: func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
					if writes += len(tasks); writes > store.MaxTx {
						return make([]store.Inserted, len(tasks)), nil
					}
					return tx.Insert(ctx, tasks)
				}})
			})
		}
	}},
	{"a transaction does not see its own writes", "TxKeyFreedInside", inTx(func(b *broken, tx store.Writer) store.Writer {
		return brokenTx{Writer: tx, insert: func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			held, _ := b.Store.List(ctx, store.Filter{Statuses: []store.Status{store.Created, store.Running}}, store.Page{})
			for _, n := range tasks {
				for _, task := range held {
					if n.UniqueKey != "" && n.UniqueKey == task.UniqueKey {
						return []store.Inserted{{ID: task.ID, Outcome: store.Existing}}, nil
					}
				}
			}
			return tx.Insert(ctx, tasks)
		}}
	})},
	{"a transaction ignores unique keys", "TxKeyTakenTwiceInside", inTx(func(_ *broken, tx store.Writer) store.Writer {
		return brokenTx{Writer: tx, insert: func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
			for i := range tasks {
				tasks[i].UniqueKey = ""
			}
			return tx.Insert(ctx, tasks)
		}}
	})},
	{"a panic commits", "TxPanicRollsBack", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			var panicked any
			err := b.Store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
				defer func() { panicked = recover() }()
				return fn(ctx, tx)
			})
			if panicked != nil {
				panic(panicked)
			}
			return err
		}
	}},
	{"transactions ignore their context", "TxContextEndRollsBack", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			return b.Store.WithTx(context.WithoutCancel(ctx), func(_ context.Context, tx store.Writer) error { return fn(ctx, deaf{tx}) })
		}
		b.begin = func(ctx context.Context) (store.Tx, error) { return b.Store.Begin(context.WithoutCancel(ctx)) }
	}},
	{"the function's error is replaced", "TxOwnErrorReturned", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			if b.Store.WithTx(ctx, fn) != nil {
				return store.ErrConflict
			}
			return nil
		}
	}},
	{"a transaction without writes is an error", "TxEmpty", func(b *broken) {
		b.withTx = func(ctx context.Context, fn func(context.Context, store.Writer) error) error {
			return b.Store.WithTx(ctx, func(ctx context.Context, tx store.Writer) error {
				wrote := false
				err := fn(ctx, brokenTx{Writer: tx, insert: func(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
					wrote = true
					return tx.Insert(ctx, tasks)
				}})
				if err == nil && !wrote {
					err = store.ErrTxDone
				}
				return err
			})
		}
	}},
	{"a transaction can be used after its end", "TxUsedAfterEnd", func(b *broken) {
		b.begin = func(ctx context.Context) (store.Tx, error) {
			tx, err := b.Store.Begin(ctx)
			return endlessTx{tx}, err
		}
	}},
	{"an open transaction writes at once", "TxBeginRollsBack", func(b *broken) {
		b.begin = func(context.Context) (store.Tx, error) { return openly{b.Store}, nil }
	}},
	{"an open transaction is not committed", "TxBeginCommits", func(b *broken) {
		b.begin = func(ctx context.Context) (store.Tx, error) {
			tx, err := b.Store.Begin(ctx)
			return undone{tx}, err
		}
	}},
	{"a release frees nothing", "TxReleaseFirstFailsCommit", rescheduled(func(r *store.Rescheduling) {
		if r.Kind == store.Release {
			r.Kind, r.After = store.Snooze, 1000*leaseTime
		}
	})},
	{"a release is always accepted", "TxCommitReplyLostCommitted", func(b *broken) {
		b.reschedule = func(ctx context.Context, again []store.Rescheduling) error {
			_ = b.Store.Reschedule(ctx, again)
			return nil
		}
	}},
	{"a release is always refused", "TxCommitReplyLostRolledBack", func(b *broken) {
		b.reschedule = func(_ context.Context, again []store.Rescheduling) error {
			return &store.BatchError{Op: "reschedule", Refused: []store.Refusal{{ID: again[0].ID, Err: store.ErrLeaseLost}}}
		}
	}},
	{"a rolled back connection is not given back", "TxOpenManyTimes", func(b *broken) {
		left := int64(5)
		b.begin = func(ctx context.Context) (store.Tx, error) {
			if left--; left < 0 {
				return nil, store.ErrConflict
			}
			return b.Store.Begin(ctx)
		}
	}},
	{"an open transaction keeps extensions out", "TxExtendBesideOpenTx", func(b *broken) {
		open := false
		b.begin = func(ctx context.Context) (store.Tx, error) {
			open = true
			return b.Store.Begin(ctx)
		}
		b.extend = func(ctx context.Context, d time.Duration, ids []store.LeaseID) ([]store.Extended, error) {
			if open {
				return nil, store.ErrConflict
			}
			return b.Store.Extend(ctx, d, ids)
		}
	}},
	{"migration works once", "MigrateRepeatable", func(b *broken) {
		b.migrate = func(context.Context) error {
			if b.seen["migrated"]++; b.seen["migrated"] > 1 {
				return store.ErrInvalid
			}
			return nil
		}
	}},
	{"migrations collide", "MigrateTwoAtOnce", func(b *broken) {
		var first atomic.Bool
		b.migrate = func(context.Context) error {
			if !first.CompareAndSwap(false, true) {
				return store.ErrConflict
			}
			return nil
		}
	}},
	{"close does nothing", "CloseThenErrClosed", func(b *broken) {
		b.closeStore = func() error { return nil }
	}},
	{"close leaves a goroutine", "CloseNoLeak", func(b *broken) {
		b.closeStore = func() error {
			started := make(chan struct{})
			go b.stay(started)
			<-started
			return b.Store.Close()
		}
	}},
}

// A deaf writer does not hear its context end.
type deaf struct{ store.Writer }

func (d deaf) Insert(ctx context.Context, tasks []store.NewTask) ([]store.Inserted, error) {
	return d.Writer.Insert(context.WithoutCancel(ctx), tasks)
}

// An openly transaction is none.
type openly struct{ store.Writer }

func (openly) Commit(context.Context) error   { return nil }
func (openly) Rollback(context.Context) error { return nil }

// An undone transaction rolls back in place of its commit.
type undone struct{ store.Tx }

func (u undone) Commit(ctx context.Context) error { return u.Rollback(ctx) }
