package main

import (
	"context"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
)

// A setting is a way to use a system. Of several, the best one counts.
type setting struct {
	name      string
	workers   int  // tasks that run at once, in each server; 0 is the system's default
	servers   int  // how many there are where the load says one; 0 is one
	tuned     bool // for throughput, where that takes more than workers
	producers int  // goroutines that insert
	batch     int  // tasks that each of their calls inserts
	direct    bool // past the client, into the store
	warm      int  // tasks that are run before the measurement begins

	pause     time.Duration     // of a bare loop that has found nothing
	told      bool              // a bare loop looks only when it is told of a task
	retention firefly.Retention // of Firefly's worker
}

// A system keeps tasks and runs them: Firefly, a peer, or a bare loop of statements. What it runs
// does nothing but call a function, and return what the load says.
type system interface {
	// insert stores tasks in one call, as users of the system would store one, or many.
	insert(ctx context.Context, jobs []job, how setting) error
	// fill stores n tasks that have ended, or are due tomorrow, by whatever means.
	fill(ctx context.Context, what content, n int) error
	// work runs what is due until stop is called.
	work(ctx context.Context, how setting, l load, handle func(params)) (stop func() error, err error)
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

// A contender is a system, and how it is used in each case. Where settings name no case, those of the
// case work hold; where they name it, but hold nothing, the contender sits it out.
type contender struct {
	name     string
	settings map[string][]setting
	share    float64 // of the tasks that it is given where they are counted, and not timed; 0 is all
	open     func(ctx context.Context) (system, error)
}

func (c contender) settingsOf(bench benchmark) []setting {
	if s, named := c.settings[bench.name]; named {
		return s
	}
	return c.settings["work"]
}

// A backend is a running database, and those who are measured on it.
type backend interface {
	// contenders are Firefly, its peer, which has no name if there is none, and possibly what the
	// database can do at most. A case for which Firefly has no settings is not measured.
	contenders() []contender
	// about describes it.
	about(ctx context.Context) (about, error)
	// reset makes the database as good as new.
	reset(ctx context.Context) error
	// settle lets the database finish what is put off, so that it costs the measurement nothing.
	settle(ctx context.Context) error
	// used returns what the server has used since it was started.
	used(ctx context.Context) (usage, error)
	close()
}

// about describes a backend.
type about struct {
	server string  // and its version
	scale  float64 // the share of the work that it is given, of what others are
}

// usage of a server.
type usage struct {
	cpu     time.Duration
	journal float64 // bytes; 0 if they are not known
	trips   float64 // that clients have made to it and back; 0 if they are not counted
	memory  float64 // bytes that are in use now; 0 if that is not its measure
	stored  float64 // bytes that the tasks take now, on the disk or in memory
}

// backends start the databases, by name.
var backends = map[string]func(ctx context.Context) (backend, error){
	"memory":   newInProcess,
	"mongo":    newMongo,
	"postgres": newPostgres,
	"redis":    newRedis,
	"sqlite":   newSQLite,
}
