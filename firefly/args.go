package firefly

import (
	"fmt"
	"slices"

	"github.com/fireflytasks/go-firefly/store"
)

// Args decodes the argument of a stored task, for those who look at tasks instead of running them.
// The client must know the task's encoding: see [ClientConfig]. A task of another name, but for
// the aliases of t, is an error.
func (t Task[A, R]) Args(c *Client, stored store.Task) (A, error) {
	var args A
	if stored.Name != t.Name() && !slices.Contains(t.spec.declared.aliases, stored.Name) {
		return args, fmt.Errorf("firefly: args of task %d: it is a %s, not a %s", stored.ID, stored.Name, t.Name())
	}
	codec, err := c.codecs.named(stored.Encoding)
	if err == nil {
		err = decode(codec, stored.Params, &args)
	}
	if err != nil {
		return args, fmt.Errorf("firefly: decode args of task %d: %w", stored.ID, err)
	}
	return args, nil
}
