package history

import (
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/fireflytasks/go-firefly/store"
)

// Convicts reports whether one of some histories of a store has no order.
func Convicts(t *testing.T, s store.Full, histories int) bool {
	t.Helper()
	for i := range histories {
		h := newRecorder(i)
		h.record(t, []store.Full{s}, uint64(i))
		h.look(t, s)
		if found := h.judge(); found != nil && found.result == porcupine.Illegal {
			return true
		}
	}
	return false
}
