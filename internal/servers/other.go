//go:build !unix

package servers

// On other systems servers are named by an environment variable or run in containers.

const notHere = absentError("servers are not started from binaries on this system")

type cluster struct{}

func newCluster(...string) (*cluster, error) { return nil, notHere }

func (*cluster) url() string               { return "" }
func (*cluster) postmaster() int           { return 0 }
func (*cluster) processes() ([]int, error) { return nil, nil }
func (*cluster) start() error              { return notHere }
func (*cluster) kill() error               { return notHere }
func (*cluster) end() error                { return nil }

func startPgBouncer(func(port int) string) (int, func() error, error) { return 0, nil, notHere }
