package servers_test

import (
	"os"
	"testing"

	"github.com/redis/go-redis/v9/logging"
)

func TestMain(m *testing.M) {
	logging.Disable() // that servers do not answer is no news here: tests kill them
	os.Exit(m.Run())
}
