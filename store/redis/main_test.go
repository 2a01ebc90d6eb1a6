package redis_test

import (
	"testing"

	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/internal/crash"
)

func TestMain(m *testing.M) {
	logging.Disable() // that servers do not answer is no news here: tests kill them
	goleak.VerifyTestMain(runner(func() int { return crash.Main(m, openForCrash) }))
}

// A runner is the tests, or the worker process that they started.
type runner func() int

func (r runner) Run() int { return r() }
