package open

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

// Scratch makes a store beside the one that url names, for trying things out on the same server: it is
// new and empty, ready for use, and nobody else knows of it. The data of the store that url names is not
// touched; its firefly_namespace does not count.
//
// What is made is a schema firefly_scratch_… of PostgreSQL, a namespace of that name in Redis, collections
// of that prefix in MongoDB, a file of that name in the folder of SQLite's, and nothing but the store in
// memory. The user in the URL needs the right to make that.
//
// Remove closes the store and removes all that was made for it; it works as well after the store was
// closed, and again after it failed. Like [store.Close] it waits for transactions that are open, until ctx
// ends: then it removes what it can within a few seconds. Its error says what is left, by name. In Redis it
// passes by all keys of each server to find the store's.
//
// If Scratch fails, nothing is left, or the error says what.
func Scratch(ctx context.Context, url string, opts ...Option) (s store.Store, remove func(context.Context) error, err error) {
	c := newConfig(opts)
	c.scratch = "firefly_scratch_" + strings.ToLower(rand.Text())
	dial, err := prepare(url, &c)
	if err != nil {
		return nil, nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, nil, fmt.Errorf("open: scratch: %w", err)
	}
	opened, err := dial.own(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("open: scratch: %w", errors.Join(err, dial.cleanUp(ctx, c.scratch)))
	}
	remove = func(ctx context.Context) error {
		closed := make(chan error, 1)
		go func() { closed <- opened.Close() }()
		select {
		case err := <-closed:
			return errors.Join(err, dial.remove(ctx, c.scratch))
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("open: %s is still in use: %w", c.scratch, context.Cause(ctx)), dial.cleanUp(ctx, c.scratch))
		}
	}
	// Where the look fails, nothing was made: so a server that does not answer is asked once.
	if _, err := opened.Migration(ctx); err != nil {
		return nil, nil, fmt.Errorf("open: scratch: %w", errors.Join(err, opened.Close()))
	}
	if err := opened.Migrate(ctx); err != nil {
		return nil, nil, fmt.Errorf("open: scratch: %w", errors.Join(err, opened.Close(), dial.cleanUp(ctx, c.scratch)))
	}
	return opened, remove, nil
}

// remove removes what was made, and says what it is if it cannot.
func (o *opener) remove(ctx context.Context, name string) error {
	if err := o.drop(ctx); err != nil {
		return fmt.Errorf("open: %s is left and has to be removed by hand: %w", name, err)
	}
	return nil
}

// cleanUp is remove after a failure, which may be that ctx has ended.
func (o *opener) cleanUp(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return o.remove(ctx, name)
}
