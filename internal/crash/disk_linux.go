package crash

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// SmallDisk calls use with a folder that has a file system of its own, of so many megabytes, and where
// temporary folders are made meanwhile. It returns what takes all its room, and nothing if the system does
// not let this process mount one: then use is not called.
func SmallDisk(tb testing.TB, megabytes int, use func(dir string)) (fill func(tb testing.TB) (free func())) {
	tb.Helper()
	dir, err := os.MkdirTemp("", "firefly-disk-") //nolint:usetesting // a server's user may not enter a test's own folder
	if err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=1777,size="+strconv.Itoa(megabytes)+"m"); err != nil {
		_ = os.Remove(dir)
		return nil
	}
	tb.Cleanup(func() {
		if err := errors.Join(syscall.Unmount(dir, syscall.MNT_DETACH), os.Remove(dir)); err != nil {
			tb.Error(err)
		}
	})
	const temporary = "TMPDIR"
	before, set := os.LookupEnv(temporary)
	err = os.Setenv(temporary, dir) //nolint:usetesting // for a moment, not until the test ends
	if err == nil {
		use(dir)
		err = os.Unsetenv(temporary)
	}
	if set {
		err = errors.Join(err, os.Setenv(temporary, before)) //nolint:usetesting // as above
	}
	if err != nil {
		tb.Fatal(err)
	}
	return func(tb testing.TB) func() { tb.Helper(); return fillDisk(tb, filepath.Join(dir, "ballast")) }
}

// fillDisk writes a file until there is no room for a byte more.
func fillDisk(tb testing.TB, name string) (free func()) {
	tb.Helper()
	file, err := os.Create(name)
	if err != nil {
		tb.Fatal(err)
	}
	for part := make([]byte, 1<<20); len(part) > 0; {
		n, err := file.Write(part)
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			tb.Fatal(err)
		}
		if n < len(part) {
			part = part[:len(part)/2]
		}
	}
	_ = file.Close()
	return func() {
		if err := os.Remove(name); err != nil {
			tb.Error(err)
		}
	}
}
