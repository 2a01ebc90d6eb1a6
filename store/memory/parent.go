package memory

import (
	"context"

	"github.com/fireflytasks/go-firefly/store"
)

// CompleteParent implements [store.ParentCompleter]. The lock makes it one step: once the lease
// has proven that it holds the task, or has completed it before, nothing is refused any more.
func (s *Store) CompleteParent(ctx context.Context, done store.Completion, children []store.NewTask) ([]store.Inserted, error) {
	if 1+len(children) > store.MaxTx {
		return nil, store.ErrTxTooLarge
	}
	refused := store.BatchError{Op: opInsert}
	for i := range children {
		if err := children[i].Validate(); err != nil {
			refused.Refuse(i, children[i].ID, err)
		}
	}
	if err := refused.OrNil(); err != nil {
		return nil, err
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	if err := applyAll("complete", []store.Completion{done}, s.complete); err != nil {
		return nil, err
	}
	out := make([]store.Inserted, len(children))
	for i := range children {
		s.number(&children[i])
		out[i] = s.insert(&children[i])
	}
	return out, nil
}
