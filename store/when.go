package store

import (
	"errors"
	"fmt"
	"time"
)

// A When says when a task is to be due: at ETA, or if that is zero, Delay after now on the store's
// clock. The zero When is now, and so is a past ETA. Stores round up to their resolution, never down.
type When struct {
	ETA   time.Time
	Delay time.Duration
}

// Validate reports every fault in one error that matches [ErrInvalid]: an ETA outside of the years 1
// to 9999, a negative delay, or both an ETA and a delay. Stores call it before they write.
func (w When) Validate() error { return Invalid("due time", w.faults()...) }

func (w When) faults() (faults []error) {
	if w.Delay < 0 {
		faults = append(faults, fmt.Errorf("delay %s is negative", w.Delay))
	}
	if w.ETA.IsZero() {
		return faults
	}
	if w.Delay != 0 {
		faults = append(faults, errors.New("both an ETA and a delay are set"))
	}
	if y := w.ETA.UTC().Year(); y < 1 || y > 9999 {
		faults = append(faults, fmt.Errorf("ETA is in year %d, not between 1 and 9999", y))
	}
	return faults
}
