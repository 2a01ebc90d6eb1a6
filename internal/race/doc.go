// Package race tells tests whether the race detector is on, which makes some of them too slow: those
// run without it, in scripts/long-tests.
package race
