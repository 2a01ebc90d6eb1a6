// Quickstart shows Firefly's main features on a SQLite file that it makes, firefly-quickstart.db.
// Run it, then read it from the top. Kill it half-way and run it again: it goes on where it was,
// and everything is done once.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/sqlite"
)

// AddArgs are the arguments of add.
type AddArgs struct{ A, B int }

// Tasks are declared once, for those who schedule them and those who run them.
var (
	add    = firefly.Declare[AddArgs, int]("math.add")
	flaky  = firefly.Declare[string, string]("demo.flaky", firefly.MaxRetries(3), firefly.RetryDelay(300*time.Millisecond))
	greet  = firefly.Declare[string, string]("mail.greet")
	signUp = firefly.Declare[User, int64]("user.sign_up")
)

// A User signs up, and pays or not.
type User struct {
	Name string
	Pays bool
}

func main() {
	const path = "firefly-quickstart.db"
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := run(ctx, path, os.Stdout)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		_ = os.Remove(file) // all is done: the next run is to begin anew
	}
}

func run(ctx context.Context, path string, out io.Writer) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS user (id INTEGER PRIMARY KEY, name TEXT)"); err != nil {
		return err
	}
	s, err := sqlite.New(ctx, db) // in the application's own database
	if err != nil {
		return err
	}
	defer s.Close()
	client, err := firefly.NewClient(s, firefly.ClientConfig{})
	if err != nil {
		return err
	}
	ids, err := scheduleOnce(ctx, out, client)
	if err != nil {
		return err
	}
	worker, err := firefly.NewWorker(s, firefly.WorkerConfig{
		Lease:  5 * time.Second, // so that a killed run's tasks come back soon
		Logger: slog.New(slog.DiscardHandler),
	}, handlers(client)...)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(working) }()
	err = report(ctx, out, client, db, ids)
	stop()
	return errors.Join(err, <-stopped)
}

// scheduleOnce schedules the tour's tasks, all in one batch, unless an earlier run did.
func scheduleOnce(ctx context.Context, out io.Writer, client *firefly.Client) (ids [5]int64, err error) {
	list, _ := store.As[store.Lister](client.Store())
	found, err := list.List(ctx, store.Filter{}, store.Page{Limit: len(ids)})
	if err != nil {
		return ids, err
	}
	if len(found) == 0 {
		err = client.ScheduleMany(ctx,
			add.Call(AddArgs{1, 3}),
			add.Call(AddArgs{20, 22}, firefly.ETA(time.Now().Add(time.Second))),
			flaky.Call("demo.flaky"),
			signUp.Call(User{"ada", true}),
			signUp.Call(User{"bob", false}))
		if err != nil {
			return ids, err
		}
		found, err = list.List(ctx, store.Filter{}, store.Page{Limit: len(ids)})
	} else {
		fmt.Fprintln(out, "going on with a run that was interrupted")
	}
	for i, task := range found {
		ids[i] = task.ID
	}
	return ids, err
}

// handlers pairs each task with the function that runs it.
func handlers(client *firefly.Client) []firefly.Handler {
	return []firefly.Handler{
		add.Handle(func(_ context.Context, in AddArgs) (int, error) { return in.A + in.B, nil }),

		flaky.Handle(func(ctx context.Context, name string) (string, error) {
			info, _ := firefly.Attempt(ctx)
			if info.Task.Retries < 2 {
				return "", errors.New("not yet")
			}
			return fmt.Sprintf("%s worked after %d retries", name, info.Task.Retries), nil
		}),

		greet.Handle(func(_ context.Context, user string) (string, error) { return "welcome, " + user, nil }),

		// The row and the scheduled task exist if and only if this task completes.
		signUp.Handle(func(ctx context.Context, user User) (id int64, err error) {
			tx, err := sqlite.Tx(ctx)
			if err != nil {
				return 0, err
			}
			result, err := tx.ExecContext(ctx, "INSERT INTO user (name) VALUES (?)", user.Name)
			if err != nil {
				return 0, err
			}
			if _, err := greet.Schedule(ctx, client, user.Name); err != nil {
				return 0, err
			}
			if !user.Pays {
				return 0, firefly.Permanent(errors.New("the card was declined"))
			}
			return result.LastInsertId()
		}),
	}
}

// report waits for the tasks and prints what became of them.
func report(ctx context.Context, out io.Writer, client *firefly.Client, db *sql.DB, ids [5]int64) error {
	sum, err := add.Find(client, ids[0]).Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "math.add(1, 3) = %d\n", sum)

	later := add.Find(client, ids[1])
	if sum, err = later.Wait(ctx); err != nil {
		return err
	}
	task, err := later.Task(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "math.add(20, 22) = %d, with an ETA in a second; before it: %t\n", sum, task.Finished.Before(task.Due))

	said, err := flaky.Find(client, ids[2]).Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, said)

	user, err := signUp.Find(client, ids[3]).Wait(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "user.sign_up(ada) = %d\n", user)

	var failed *firefly.TaskError
	if _, err := signUp.Find(client, ids[4]).Wait(ctx); !errors.As(err, &failed) {
		return fmt.Errorf("the sign-up of bob did not fail: %w", err)
	}
	fmt.Fprintf(out, "user.sign_up(bob) %s: %s\n", failed.Status, failed.Last)
	return reportEffects(ctx, out, client, db)
}

// reportEffects prints what the two sign-ups left: one row, and one task that has run.
func reportEffects(ctx context.Context, out io.Writer, client *firefly.Client, db *sql.DB) error {
	var users int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM user").Scan(&users); err != nil {
		return err
	}
	list, _ := store.As[store.Lister](client.Store())
	greetings, err := list.List(ctx, store.Filter{Names: []string{greet.Name()}}, store.Page{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "rows of users: %d, greetings: %d\n", users, len(greetings))
	for _, task := range greetings {
		said, err := greet.Find(client, task.ID).Wait(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "mail.greet says: %s\n", said)
	}
	return nil
}
