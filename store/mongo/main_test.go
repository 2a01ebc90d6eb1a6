package mongo_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/crash"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(runner(func() int {
		defer servers.EndMongoDB()
		return crash.Main(m, openForCrash)
	}))
}

// A runner is the tests, or the worker process that they started.
type runner func() int

func (r runner) Run() int { return r() }
