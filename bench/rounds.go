package main

import (
	"context"
	"errors"
	"sync"
)

// rounds lets n goroutines make one round after the other, until one of theirs fails or stop is called,
// which lets the rounds that are under way end.
func rounds(ctx context.Context, n int, round func(ctx context.Context, goroutine int) error) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for errs[i] == nil && ctx.Err() == nil {
				errs[i] = round(context.WithoutCancel(ctx), i)
			}
		})
	}
	return func() error { cancel(); wg.Wait(); return errors.Join(errs...) }
}
