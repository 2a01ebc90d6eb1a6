//go:build !linux

package crash

import "testing"

// SmallDisk is on Linux only.
func SmallDisk(testing.TB, int, func(dir string)) (fill func(tb testing.TB) (free func())) {
	return nil
}
