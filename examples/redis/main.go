// Redis resizes pictures for two customers, each in a namespace of its own: in a cluster they are in
// different slots, and so, as a rule, on different servers. An album is one task that schedules one
// for each picture: they exist if and only if the album's own task completes.
//
//	go run ./examples/redis 'redis://localhost:6379'
//	go run ./examples/redis 'redis+cluster://localhost:7000?addr=localhost:7001'
//
// It deletes what it made when it is done.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/redis"
)

// A Picture is to be made so many pixels wide.
type Picture struct {
	File  string
	Width int
}

var (
	album  = firefly.Declare[[]string, int]("pictures.album")
	resize = firefly.Declare[Picture, string]("pictures.resize", firefly.MaxRetries(3), firefly.Timeout(time.Minute))
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: redis URL, redis://localhost:6379 for one")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, os.Args[1], os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "redis:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, url string, out io.Writer) error {
	client, err := connect(url)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, customer := range []string{"example_ada", "example_bob"} {
		if err := serve(ctx, client, customer, out); err != nil {
			return fmt.Errorf("%s: %w", customer, err)
		}
	}
	return nil
}

// connect makes a client of one server or of a cluster.
func connect(url string) (goredis.UniversalClient, error) {
	if rest, ok := strings.CutPrefix(url, "redis+cluster://"); ok {
		options, err := goredis.ParseClusterURL("redis://" + rest)
		if err != nil {
			return nil, err
		}
		return goredis.NewClusterClient(options), nil
	}
	options, err := goredis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	return goredis.NewClient(options), nil
}

// serve does a customer's work, and clears it away.
func serve(ctx context.Context, client goredis.UniversalClient, customer string, out io.Writer) (err error) {
	s, err := redis.New(client, redis.Namespace(customer), redis.Logger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return err
	}
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{Logger: slog.New(slog.DiscardHandler)},
		album.Handle(func(ctx context.Context, files []string) (int, error) {
			for _, file := range files {
				if _, err := resize.Schedule(ctx, c, Picture{file, 800}, firefly.Unique(file)); err != nil {
					return 0, err
				}
			}
			return len(files), nil
		}),
		resize.Handle(func(_ context.Context, p Picture) (string, error) {
			return fmt.Sprintf("%s is %d pixels wide", p.File, p.Width), nil
		}))
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(working) }()
	defer func() {
		stop()
		finished := store.Filter{Statuses: []store.Status{store.Completed, store.Failed, store.Created}}
		err = errors.Join(err, <-ended)
		_, cleared := s.Delete(context.WithoutCancel(ctx), finished, 0)
		err = errors.Join(err, cleared)
	}()

	h, err := album.Schedule(ctx, c, []string{"sea.jpg", "hill.jpg"})
	if err != nil {
		return err
	}
	pictures, err := h.Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: an album of %d pictures\n", customer, pictures)
	tasks, err := s.List(ctx, store.Filter{Names: []string{resize.Name()}}, store.Page{})
	if err != nil {
		return err
	}
	for i := range tasks {
		text, err := resize.Find(c, tasks[i].ID).Wait(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, " ", text)
	}
	return nil
}
