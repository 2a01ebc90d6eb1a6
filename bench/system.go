package main

import (
	"context"
	"time"
)

// params are the arguments of every task: about 100 bytes of JSON.
type params struct {
	Sent    int64  `json:"sent"` // when it was scheduled, in nanoseconds since 1970
	Number  int    `json:"number"`
	Padding string `json:"padding"`
}

func newParams(number int) params {
	return params{time.Now().UnixNano(), number, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr"}
}

// sample is the JSON of params.
var sample = []byte(`{"sent":1795418270000000000,"number":12345,"padding":"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr"}`)

// age is how long ago the task was scheduled.
func (p params) age() time.Duration { return time.Duration(time.Now().UnixNano() - p.Sent) }

// A setting is a way to use a system. Of several, the best one counts.
type setting struct {
	name      string
	workers   int  // tasks that run at once, in each server; 0 is the system's default
	servers   int  // how many there are, as of one process each; 0 is one
	pools     int  // workers in each; 0 is one
	tuned     bool // for throughput, where that takes more than workers
	producers int  // goroutines that insert
	batch     int  // tasks that each of their calls inserts
	direct    bool // past the client, into the store
	warm      int  // tasks that are run before the measurement begins

	pause time.Duration // of a bare loop that has found nothing
}

// A system keeps tasks and runs them: Firefly, a peer, or a bare loop of statements. What it runs
// does nothing but call a function.
type system interface {
	// insert stores a task, as users of the system would.
	insert(ctx context.Context, p params) error
	// insertMany stores n tasks in one call.
	insertMany(ctx context.Context, n int, how setting) error
	// fill stores n tasks that have ended, or are due tomorrow, by whatever means.
	fill(ctx context.Context, what content, n int) error
	// work runs what is due until stop is called.
	work(ctx context.Context, how setting, handle func(params)) (stop func() error, err error)
	// settled reports whether the last n tasks that work has run are marked as completed.
	settled(ctx context.Context, n int) (bool, error)
	close() error
}

// content is what else may be in the tables.
type content string

const (
	finished content = "finished"
	future   content = "future"
)

// A contender is a system, and how it is used in each case. It sits out the cases for which it has
// no settings.
type contender struct {
	name     string
	settings map[string][]setting
	open     func(ctx context.Context) (system, error)
}

// A backend is a running database, and those who are measured on it.
type backend interface {
	// contenders are Firefly, its peer, and possibly what the database can do at most.
	contenders() []contender
	// reset makes the database as good as new.
	reset(ctx context.Context) error
	// settle lets the database finish what is put off, so that it costs the measurement nothing.
	settle(ctx context.Context) error
	// used returns what the server has used since it was started.
	used(ctx context.Context) (usage, error)
	close()
}

// usage of a server.
type usage struct {
	cpu     time.Duration
	journal float64 // bytes; 0 if they are not known
	trips   float64 // that clients have made to it and back; 0 if they are not counted
	memory  float64 // bytes that are in use now; 0 if that is not its measure
}

// backends start the databases, by name.
var backends = map[string]func(ctx context.Context) (backend, error){
	"mongo":    newMongo,
	"postgres": newPostgres,
	"redis":    newRedis,
}
