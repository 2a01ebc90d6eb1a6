package mongo_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/history"
	"github.com/fireflytasks/go-firefly/internal/servers"
)

// TestHistories waits, as TestCut does, for the driver to find its server again.
func TestHistories(t *testing.T) {
	t.Parallel()
	history.Check(t, database(servers.MongoDB(t)), history.Plan{CutEvery: 4})
}
