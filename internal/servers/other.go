//go:build !unix

package servers

// On other systems servers are named by an environment variable or run in containers.

const notHere = absentError("servers are not started from binaries on this system")

type daemon struct{}

func (*daemon) running() int              { return 0 }
func (*daemon) processes() ([]int, error) { return nil, nil }
func (*daemon) kill() error               { return notHere }
func (*daemon) end() error                { return nil }

type postmaster struct{ daemon }

func newPostmaster(...string) (*postmaster, error)       { return nil, notHere }
func postmasterOf(string, []string) (*postmaster, error) { return nil, notHere }
func documentDBBinaries() (string, error)                { return "", notHere }

func (*postmaster) url() string    { return "" }
func (*postmaster) restart() error { return notHere }

func startPgBouncer(func(port int) string) (int, func() error, error) { return 0, nil, notHere }

type redisNode struct {
	daemon

	port int
}

func newRedisNode(redisMake, int, ...string) (*redisNode, error) { return nil, notHere }

func (*redisNode) restart() error { return notHere }
