package main

import "context"

// insertSingly measures how tasks are stored one by one.
func insertSingly(ctx context.Context, t *trial) (map[string]float64, error) {
	t.how.batch = 1
	return insertAll(ctx, t)
}

// insertAll measures how tasks are stored, as the setting says.
func insertAll(ctx context.Context, t *trial) (map[string]float64, error) {
	if err := t.insert(ctx, 1, t.how); err != nil { // connects
		return nil, err
	}
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	c, err := t.spend(ctx, func() error { return t.fill(ctx, t.how, t.tasks()) })
	return c.metrics(t.tasks()), err
}
