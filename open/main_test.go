package open_test

import (
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestMain(m *testing.M) {
	logging.Disable() // that servers do not answer is no news here
	goleak.VerifyTestMain(runner(func() int {
		defer servers.EndMongoDB()
		return m.Run()
	}))
}

// A runner is the tests.
type runner func() int

func (r runner) Run() int { return r() }
