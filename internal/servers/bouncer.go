//go:build unix

package servers

import (
	"errors"
	"os"
	"strings"
)

// startPgBouncer starts a PgBouncer with the settings that are made for its port, and returns the
// port and what ends it.
func startPgBouncer(settings func(port int) string) (int, func() error, error) {
	binary, err := pgBouncerBinary()
	if err != nil {
		return 0, nil, err
	}
	as, err := notRoot("postgres")
	if err != nil {
		return 0, nil, err
	}
	g, err := newGuard("pgbouncer", "KILL", as)
	if err != nil {
		return 0, nil, err
	}
	var at int
	err = onFreePort(highestPort, func(port int) error {
		at = port
		file := g.path("pgbouncer.ini")
		if err := os.WriteFile(file, []byte(settings(port)), 0o644); err != nil { //nolint:gosec // in a folder of one user
			return err
		}
		seen := len(g.log())
		_, err := g.start(func(int) bool { return strings.Contains(g.log()[seen:], "process up") }, binary, file)
		return err
	})
	if err != nil {
		return 0, nil, errors.Join(err, g.end())
	}
	return at, g.end, nil
}
