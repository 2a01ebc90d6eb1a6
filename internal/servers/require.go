package servers

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// envRequire names the backends, separated by commas, that no test may be skipped for.
const envRequire = "FIREFLY_TEST_REQUIRE"

// An absentError says why a server cannot be had. Any other error is of one that should work.
type absentError string

func (e absentError) Error() string { return string(e) }

// check lets a test go on if err is nil. Otherwise the test is skipped or fails.
func check(tb testing.TB, backend string, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case skippable(os.Getenv(envRequire), backend, err):
		tb.Skipf("%s: %v; make servers installs what it can", backend, err)
	default:
		tb.Fatalf("%s: %v", backend, err)
	}
}

// isAbsent reports whether err says that there is no server, rather than that one failed.
func isAbsent(err error) bool {
	var absent absentError
	return errors.As(err, &absent)
}

// skippable reports whether a test of a backend may be skipped for err.
func skippable(required, backend string, err error) bool {
	isBackend := func(name string) bool { return strings.TrimSpace(name) == backend }
	return isAbsent(err) && !slices.ContainsFunc(strings.Split(required, ","), isBackend)
}
