package main

import "context"

// memory measures what the server keeps in memory for a task that is due tomorrow, and for one that
// has ended.
func memory(ctx context.Context, b backend, s system, _ setting, size size) (map[string]float64, error) {
	n := size.of(100_000)
	if err := s.insert(ctx, newParams(0)); err != nil { // what is kept once
		return nil, err
	}
	m := map[string]float64{}
	for _, what := range []content{future, finished} {
		before, err := settledUsage(ctx, b)
		if err != nil {
			return nil, err
		}
		if err := s.fill(ctx, what, n); err != nil {
			return nil, err
		}
		after, err := settledUsage(ctx, b)
		if err != nil {
			return nil, err
		}
		m[memoryOf[what]] = (after.memory - before.memory) / float64(n)
	}
	return m, nil
}

var memoryOf = map[content]string{future: waiting, finished: ended}

// settledUsage is what the server has used, and uses when nothing is put off.
func settledUsage(ctx context.Context, b backend) (usage, error) {
	if err := b.settle(ctx); err != nil {
		return usage{}, err
	}
	return b.used(ctx)
}
