package open

import (
	"errors"
	"sync"

	"github.com/fireflytasks/go-firefly/store"
)

// An owner is a store together with the connections that were opened for it alone.
type owner struct {
	store.Full

	close func() error
}

func own(s store.Full, release func() error) *owner {
	return &owner{Full: s, close: sync.OnceValue(func() error { return errors.Join(s.Close(), release()) })}
}

// Unwrap lets [store.As] find what the store has beside [store.Full], and the store itself.
func (o *owner) Unwrap() store.Store { return o.Full }

// Close closes the store, then its connections.
func (o *owner) Close() error { return o.close() }
