package main

import "context"

// footprint measures what the server keeps in memory for a task that is due tomorrow, and for one that
// has ended.
func footprint(ctx context.Context, t *trial) (map[string]float64, error) {
	if err := t.insert(ctx, 1, t.how); err != nil { // what is kept once
		return nil, err
	}
	n, m := t.tasks(), map[string]float64{}
	for _, what := range []content{future, finished} {
		before, err := t.settledUsage(ctx)
		if err != nil {
			return nil, err
		}
		if err := t.system.fill(ctx, what, n); err != nil {
			return nil, err
		}
		after, err := t.settledUsage(ctx)
		if err != nil {
			return nil, err
		}
		m[memoryOf[what]] = (after.memory - before.memory) / float64(n)
	}
	return m, nil
}

var memoryOf = map[content]string{future: waiting, finished: ended}

// settledUsage is what the server has used, and uses when nothing is put off.
func (t *trial) settledUsage(ctx context.Context) (usage, error) {
	if err := t.settle(ctx); err != nil {
		return usage{}, err
	}
	return t.backend.used(ctx)
}
