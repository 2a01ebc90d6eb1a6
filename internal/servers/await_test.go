package servers_test

import (
	"testing"
	"time"
)

// eventually waits for what becomes true in a while.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it never comes that %s", what)
		}
	}
}
