package cli_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

// asProgram makes the test binary the program cmd/firefly, so that tests can start it.
const asProgram = "FIREFLY_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		cli.Main(cli.Config{})
	}
	for _, v := range []string{cli.EnvStore, "NO_COLOR"} { // the developer's are not the tests'
		_ = os.Unsetenv(v)
	}
	goleak.VerifyTestMain(runner(func() int {
		defer servers.EndMongoDB()
		return m.Run()
	}))
}

// A runner is the tests.
type runner func() int

func (r runner) Run() int { return r() }
