package redis_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/history"
)

func TestHistories(t *testing.T) {
	history.Check(t, database, history.Plan{CutEvery: 4})
}
