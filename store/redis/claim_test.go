package redis_test

import (
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

func newClaim() store.Claim {
	return store.Claim{Queues: []string{"q"}, Names: []string{"n"}, Limit: 10, Lease: store.NewLeaseID(), For: time.Minute, Worker: "w"}
}
