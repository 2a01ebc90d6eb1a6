package postgres_test

import (
	"testing"

	"github.com/fireflytasks/go-firefly/internal/history"
	"github.com/fireflytasks/go-firefly/store/postgres"
)

func TestHistories(t *testing.T) {
	history.Check(t, database(postgres.Notify(false)), history.Plan{CutEvery: 4})
}
