package memory

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// finishedRows are those of finished tasks, in the order in which they finished.
type finishedRows struct{ oldest, newest *row }

// push adds a row that has finished just now.
func (f *finishedRows) push(r *row) {
	r.older, r.newer = f.newest, nil
	if f.newest == nil {
		f.oldest = r
	} else {
		f.newest.newer = r
	}
	f.newest = r
}

// pull takes a row out.
func (f *finishedRows) pull(r *row) {
	if r.older == nil {
		f.oldest = r.newer
	} else {
		r.older.newer = r.newer
	}
	if r.newer == nil {
		f.newest = r.older
	} else {
		r.newer.older = r.older
	}
	r.older, r.newer = nil, nil
}

// until returns the ids of the rows that finished by then.
func (f *finishedRows) until(then time.Time) (ids []int64) {
	for r := f.oldest; r != nil && !r.Finished.After(then); r = r.newer {
		ids = append(ids, r.ID)
	}
	return ids
}

// onlyFinished reports whether f matches finished tasks alone.
func onlyFinished(f *store.Filter) bool {
	for _, status := range f.Statuses {
		if !status.Terminal() {
			return false
		}
	}
	return f.Statuses != nil
}
