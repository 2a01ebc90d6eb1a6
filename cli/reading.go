package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/fireflytasks/go-firefly/store"
)

var errNoAnswer = fmt.Errorf("%w: it gave no answer in %s", store.ErrUnavailable, callTimeout)

// reading makes a call that changes nothing, and so may be given up: when a signal comes, or when the
// store gives no answer.
func reading[T any](ctx context.Context, read func(ctx context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	v, err := read(ctx)
	switch {
	case err == nil:
		return v, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return v, errNoAnswer
	case ctx.Err() != nil:
		return v, errInterrupted
	}
	return v, err
}
