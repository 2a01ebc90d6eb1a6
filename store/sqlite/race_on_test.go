//go:build race

package sqlite_test

// raceEnabled shortens what takes minutes under the race detector, in which SQLite's own
// translated code is ten times slower. make test runs it again without.
const raceEnabled = true
