package cli

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/fireflytasks/go-firefly/store"
)

// walk changes the tasks that match f, in batches. It goes by their ids, once from the lowest to
// what is the highest now: so it comes to an end whatever is refused, still matches when it is
// changed, or is scheduled in the meantime.
func (j *job) walk(lister store.Lister, f store.Filter) error {
	ctx := j.cmd.Context()
	newest, err := lister.List(ctx, f, store.Page{Newest: true, Limit: 1})
	if err != nil || len(newest) == 0 {
		return orInterrupted(ctx, err)
	}
	last := newest[0].ID
	bar := j.progress()
	defer func() { _ = bar.Clear() }()

	seen := int64(0)
	var ids []int64
	some := func() error {
		f.IDs = ids
		_, err := j.batch(f)
		_ = bar.Add(len(ids)) // a bar that cannot be drawn is no reason to stop
		seen, ids = seen+int64(len(ids)), nil
		return err
	}
	for t, err := range matching(ctx, lister, f, store.Page{Limit: pageSize}) {
		if err != nil {
			return err
		}
		if t.ID > last {
			break
		}
		if ids = append(ids, t.ID); len(ids) < batchSize && t.ID < last {
			continue
		}
		if err := some(); err != nil {
			return err
		}
		if t.ID == last {
			break
		}
	}
	if len(ids) > 0 { // the last one is gone
		if err := some(); err != nil {
			return err
		}
	}
	j.summary.Matched, j.summary.MatchedAtLeast = seen, false
	return nil
}

// progress returns a bar for people who look at the error stream; others see nothing of it.
func (j *job) progress() *progressbar.ProgressBar {
	total := j.summary.Matched
	if j.summary.MatchedAtLeast {
		total = -1
	}
	w := j.cmd.ErrOrStderr()
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetVisibility(isTerminal(w)),
		progressbar.OptionSetDescription(j.action.verb),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine: it moves with each batch
	)
}
