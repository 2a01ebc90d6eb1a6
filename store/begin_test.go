package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fireflytasks/go-firefly/store"
)

// begin opens a gathered transaction on s.
func begin(ctx context.Context, t *testing.T, s store.Store) store.Tx {
	t.Helper()
	tx, err := store.Begin(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func requireNil(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// requireRefused wants a definite error that matches want.
func requireRefused(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
	if !store.IsDefinite(err) {
		t.Fatalf("error %v is not definite", err)
	}
}

func requireWrites(t *testing.T, s *fakeStore, want int) {
	t.Helper()
	if got := s.kept.count(); got != want {
		t.Fatalf("the store holds %d writes, want %d: %+v", got, want, s.kept)
	}
}

// writeOneOfEach writes with every method of w.
func writeOneOfEach(ctx context.Context, t *testing.T, w store.Writer) {
	t.Helper()
	out, err := w.Insert(ctx, []store.NewTask{validTask(nil)})
	requireNil(t, err)
	if len(out) != 1 {
		t.Fatalf("insert of 1 task returned %d results", len(out))
	}
	requireNil(t, w.Complete(ctx, []store.Completion{{ID: 1, Returned: []byte("4")}}))
	requireNil(t, w.Fail(ctx, []store.Failure{{ID: 2, Err: &store.AttemptError{Text: "x"}}}))
	requireNil(t, w.Reschedule(ctx, []store.Rescheduling{{ID: 3, Kind: store.Snooze, Err: &store.AttemptError{Text: "y"}}}))
}

func TestBeginPrefersTheStoresOwn(t *testing.T) {
	s := &beginningStore{}
	if _, own := begin(t.Context(), t, wrapper{s}).(*fakeTx); !own || s.begun != 1 {
		t.Error("the store's Begin was not used")
	}
}

func TestGatheredTxWritesAllAtCommit(t *testing.T) {
	s := &fakeStore{}
	tx := begin(t.Context(), t, s)
	writeOneOfEach(t.Context(), t, tx)
	requireWrites(t, s, 0)
	requireNil(t, tx.Commit(t.Context()))
	if s.txs != 1 {
		t.Errorf("%d transactions, want 1", s.txs)
	}
	requireWrites(t, s, 4)
	if s.kept.inserted[0].Name != "math.add" || s.kept.completed[0].ID != 1 ||
		s.kept.failed[0].ID != 2 || s.kept.rescheduled[0].Kind != store.Snooze {
		t.Errorf("the store holds %+v", s.kept)
	}
}

func TestGatheredTxWritesNothingIfOneWriteIsRefused(t *testing.T) {
	s := &fakeStore{refuse: &store.BatchError{Op: "complete", Refused: []store.Refusal{{ID: 1, Err: store.ErrLeaseLost}}}}
	tx := begin(t.Context(), t, s)
	writeOneOfEach(t.Context(), t, tx)
	requireRefused(t, tx.Commit(t.Context()), store.ErrLeaseLost)
	requireWrites(t, s, 0)
}

func TestGatheredTxRollsBack(t *testing.T) {
	s := &fakeStore{}
	tx := begin(t.Context(), t, s)
	writeOneOfEach(t.Context(), t, tx)
	requireNil(t, tx.Rollback(t.Context()))
	requireRefused(t, tx.Commit(t.Context()), store.ErrTxDone)
	requireWrites(t, s, 0)
}

func TestGatheredTxWithoutWritesNeedsNoTransaction(t *testing.T) {
	s := &fakeStore{}
	requireNil(t, begin(t.Context(), t, s).Commit(t.Context()))
	if s.txs != 0 {
		t.Errorf("%d transactions, want none", s.txs)
	}
}

func TestGatheredTxIsDoneAfterItsEnd(t *testing.T) {
	for name, end := range map[string]func(store.Tx) error{
		"commit":   func(tx store.Tx) error { return tx.Commit(context.Background()) },
		"rollback": func(tx store.Tx) error { return tx.Rollback(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, s := t.Context(), &fakeStore{}
			tx := begin(ctx, t, s)
			requireNil(t, end(tx))
			_, err := tx.Insert(ctx, []store.NewTask{validTask(nil)})
			requireRefused(t, err, store.ErrTxDone)
			requireRefused(t, tx.Complete(ctx, []store.Completion{{ID: 1}}), store.ErrTxDone)
			requireRefused(t, tx.Fail(ctx, []store.Failure{{ID: 1}}), store.ErrTxDone)
			requireRefused(t, tx.Reschedule(ctx, []store.Rescheduling{{ID: 1}}), store.ErrTxDone)
			requireRefused(t, tx.Commit(ctx), store.ErrTxDone)
			requireNil(t, tx.Rollback(ctx))
			requireWrites(t, s, 0)
		})
	}
}

func TestGatheredTxKeepsTheBound(t *testing.T) {
	ctx, s := t.Context(), &fakeStore{}
	tx := begin(ctx, t, s)
	requireNil(t, tx.Complete(ctx, make([]store.Completion, store.MaxTx-1)))
	requireNil(t, tx.Fail(ctx, make([]store.Failure, 1)))
	requireRefused(t, tx.Reschedule(ctx, make([]store.Rescheduling, 1)), store.ErrTxTooLarge)
}

func TestGatheredTxOfTheLargestSizeCommits(t *testing.T) {
	ctx, s := t.Context(), &fakeStore{}
	tx := begin(ctx, t, s)
	requireNil(t, tx.Complete(ctx, make([]store.Completion, store.MaxTx)))
	requireNil(t, tx.Commit(ctx))
	requireWrites(t, s, store.MaxTx)
}

// A refused write is no less refused because the verdict on the others comes later.
func TestGatheredTxWithARefusedWriteCommitsNothing(t *testing.T) {
	for _, tc := range []struct {
		name  string
		write func(context.Context, store.Writer) error
		want  error
	}{
		{"invalid task", func(ctx context.Context, w store.Writer) error {
			_, err := w.Insert(ctx, []store.NewTask{validTask(nil), validTask(func(n *store.NewTask) { n.Name = "" })})
			return err
		}, store.ErrInvalid},
		{"too many writes", func(ctx context.Context, w store.Writer) error {
			return w.Fail(ctx, make([]store.Failure, store.MaxTx))
		}, store.ErrTxTooLarge},
		{"oversized result", func(ctx context.Context, w store.Writer) error {
			return w.Complete(ctx, []store.Completion{{ID: 2, Returned: make([]byte, store.MaxPayload+1)}})
		}, store.ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &fakeStore{}
			tx := begin(t.Context(), t, s)
			requireNil(t, tx.Complete(t.Context(), []store.Completion{{ID: 1}}))
			requireRefused(t, tc.write(t.Context(), tx), tc.want)
			requireRefused(t, tx.Commit(t.Context()), tc.want)
			requireWrites(t, s, 0)
		})
	}
}

func TestGatheredTxNamesEveryInvalidTask(t *testing.T) {
	nameless := validTask(func(n *store.NewTask) { n.Name, n.ID = "", 7 })
	tx := begin(t.Context(), t, &fakeStore{})
	_, err := tx.Insert(t.Context(), []store.NewTask{nameless, validTask(nil), nameless})
	var refused *store.BatchError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v, want a BatchError", err)
	}
	if len(refused.Refused) != 2 || refused.Refused[0].Index != 0 || refused.Refused[1].Index != 2 ||
		refused.Refused[0].ID != 7 || refused.Op != "insert" {
		t.Errorf("refused %+v", refused)
	}
}

func TestGatheredTxEndsWithItsContext(t *testing.T) {
	s := &fakeStore{}
	whole, cancel := context.WithCancel(t.Context())
	tx := begin(whole, t, s)
	requireNil(t, tx.Complete(t.Context(), []store.Completion{{ID: 1}}))
	cancel()
	requireRefused(t, tx.Complete(t.Context(), []store.Completion{{ID: 2}}), context.Canceled)
	requireRefused(t, tx.Commit(t.Context()), context.Canceled)
	requireWrites(t, s, 0)
}

func TestGatheredTxOutlivesTheContextOfOneWrite(t *testing.T) {
	s := &fakeStore{}
	tx := begin(t.Context(), t, s)
	short, cancel := context.WithCancel(t.Context())
	requireNil(t, tx.Complete(short, []store.Completion{{ID: 1}}))
	cancel()
	requireRefused(t, tx.Complete(short, []store.Completion{{ID: 2}}), context.Canceled)
	requireNil(t, tx.Commit(t.Context()))
	requireWrites(t, s, 1)
}

func TestGatheredTxKeepsNothingOfTheCallers(t *testing.T) {
	ctx, s := t.Context(), &fakeStore{}
	tasks := []store.NewTask{validTask(func(n *store.NewTask) { n.Params, n.Meta = []byte("p"), map[string]string{"k": "v"} })}
	done := []store.Completion{{ID: 1, Returned: []byte("r")}}
	failed := []store.Failure{{ID: 2, Err: &store.AttemptError{Text: "f"}}}
	again := []store.Rescheduling{{ID: 3, Err: &store.AttemptError{Text: "a"}}}

	tx := begin(ctx, t, s)
	_, err := tx.Insert(ctx, tasks)
	requireNil(t, err)
	requireNil(t, tx.Complete(ctx, done))
	requireNil(t, tx.Fail(ctx, failed))
	requireNil(t, tx.Reschedule(ctx, again))

	tasks[0].Params[0], tasks[0].Meta["k"], tasks[0].Name = 'X', "X", "X"
	done[0].Returned[0], done[0].ID = 'X', 99
	failed[0].Err.Text, failed[0].ID = "X", 99
	again[0].Err.Text, again[0].ID = "X", 99
	requireNil(t, tx.Commit(ctx))

	n := s.kept.inserted[0]
	if n.Name != "math.add" || string(n.Params) != "p" || n.Meta["k"] != "v" {
		t.Errorf("inserted %+v", n)
	}
	if c := s.kept.completed[0]; c.ID != 1 || string(c.Returned) != "r" {
		t.Errorf("completed %+v", c)
	}
	if f := s.kept.failed[0]; f.ID != 2 || f.Err.Text != "f" {
		t.Errorf("failed %+v with %v", f, f.Err)
	}
	if r := s.kept.rescheduled[0]; r.ID != 3 || r.Err.Text != "a" {
		t.Errorf("rescheduled %+v with %v", r, r.Err)
	}
}
