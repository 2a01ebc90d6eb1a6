package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/storetest"
)

// toRemove bounds the removal of a scratch store, which no longer hears the signal that ends the run.
const toRemove = time.Minute

// A bench makes scratch stores, and removes them all.
type bench struct {
	url  string
	open func(ctx context.Context, url string, opts ...open.Option) (store.Store, func(context.Context) error, error)

	offset atomic.Pointer[atomic.Int64] // of the latest store's clock

	mu   sync.Mutex
	last int
	made map[int]func(context.Context) error // what removes those that are there
	left []error                             // of those that could not be removed
}

// harness finds out what the database can do, and thereby whether it can be used at all.
func (b *bench) harness(ctx context.Context) (storetest.Harness, error) {
	h := storetest.Harness{
		Open: func(tb testing.TB) store.Store {
			tb.Helper()
			s, remove, err := b.scratch(tb.Context())
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() {
				if err := remove(tb.Context()); err != nil {
					tb.Error(err)
				}
			})
			return s
		},
		Advance: func(d time.Duration) { b.offset.Load().Add(int64(d)) },
	}
	s, remove, err := b.scratch(ctx)
	if err != nil {
		return h, err
	}
	err = s.WithTx(ctx, func(context.Context, store.Writer) error { return nil })
	h.NoTx = errors.Is(err, errors.ErrUnsupported)
	h.OneWriter = oneWriter(s)
	if h.NoTx {
		err = nil
	}
	return h, errors.Join(err, remove(ctx))
}

// scratch makes a store. What removes it is also called by clear, if nobody else has.
func (b *bench) scratch(ctx context.Context) (store.Store, func(context.Context) error, error) {
	offset := &atomic.Int64{}
	s, remove, err := b.open(ctx, b.url, quiet, open.ClockOffset(func() time.Duration { return time.Duration(offset.Load()) }))
	if err != nil {
		return nil, nil, err
	}
	b.offset.Store(offset)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil {
		b.made = map[int]func(context.Context) error{}
	}
	b.last++
	key := b.last
	b.made[key] = remove
	return s, func(ctx context.Context) error { return b.remove(ctx, key) }, nil
}

// remove removes a store that is there, whether or not ctx has ended.
func (b *bench) remove(ctx context.Context, key int) error {
	b.mu.Lock()
	remove := b.made[key]
	delete(b.made, key)
	b.mu.Unlock()
	if remove == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), toRemove)
	defer cancel()
	err := remove(ctx)
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.left = append(b.left, err)
	}
	return err
}

// clear removes the stores that are still there, of a case that hangs, and returns what is left of all.
func (b *bench) clear(ctx context.Context) error {
	b.mu.Lock()
	keys := slices.Collect(maps.Keys(b.made))
	b.mu.Unlock()
	for _, key := range keys {
		_ = b.remove(ctx, key)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := errors.Join(b.left...); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}
