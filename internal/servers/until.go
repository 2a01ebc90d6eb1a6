package servers

import (
	"fmt"
	"time"
)

// until waits until something is no longer wrong, for what is known to be nearly so.
func until(wrong func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		err := wrong()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
	}
}
