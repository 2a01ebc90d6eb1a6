package open_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

// The database is configuration: postgres://, redis:// or mongodb:// would do as well.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "firefly")
	check(err)
	defer os.RemoveAll(dir)
	url := "sqlite:" + filepath.Join(dir, "tasks.db") + "?firefly_retention=48h"

	ctx := context.Background()
	s, err := open.Store(ctx, url)
	check(err)
	defer store.Close(s)
	if m, ok := store.As[store.Migrator](s); ok {
		check(m.Migrate(ctx)) // when a release is deployed, or at each start
	}

	double := firefly.Define("math.double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	check(err)
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{}, double)
	check(err)
	working, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- worker.Run(working) }()

	h, err := double.Schedule(ctx, client, 21)
	check(err)
	fmt.Println(h.Wait(ctx))

	stop()
	check(<-ended)
	// Output: 42 <nil>
}

// A URL that is wrong says so at once, without its password.
func ExampleStore_badURL() {
	_, err := open.Store(context.Background(), "postgres://app:secret@db/shop?firefly_retention=7d&firefly_replicas=2")
	fmt.Println(err)
	// Output:
	// open: postgres: firefly_retention: it is no duration: give 48h or 90m, say; firefly_replicas is nothing that this store has: use firefly_namespace, firefly_retention, firefly_retention_failed, firefly_pooler, firefly_notify
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
