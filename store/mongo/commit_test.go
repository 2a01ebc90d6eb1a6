package mongo_test

import (
	"bytes"
	"cmp"
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/internal/cut"
	"github.com/fireflytasks/go-firefly/internal/servers"
	"github.com/fireflytasks/go-firefly/store"
)

const commitTransaction = "commitTransaction"

// losing loses so many commits, and counts them.
func losing(n int64, moment cut.Moment, commits *atomic.Int64) func(request []byte) cut.Moment {
	return func(request []byte) cut.Moment {
		if bytes.Contains(request, []byte(commitTransaction)) && commits.Add(1) <= n {
			return moment
		}
		return 0
	}
}

// A commit that gets no answer is sent again, and nothing else is, until it is known what became of it,
// or a release has found out. Whatever that is, there is one effect.
func TestLostCommits(t *testing.T) {
	server := servers.MongoDB(t)
	for name, test := range map[string]struct {
		lost    int64
		moment  cut.Moment
		aborted bool          // by the server, before the first commit arrives
		lease   time.Duration // of which a commit may take a third
		runs    int64
		commits int64 // zero is as many as there is time for
		outcome firefly.Outcome
	}{
		"no request":          {lost: 1, moment: cut.Request, runs: 1, commits: 2, outcome: firefly.Completed},
		"no reply":            {lost: 1, moment: cut.Reply, runs: 1, commits: 2, outcome: firefly.Completed},
		"no reply at all":     {lost: 99, moment: cut.Reply, lease: 3 * time.Second, runs: 1, outcome: firefly.Unknown},
		"aborted":             {aborted: true, runs: 2, commits: 2, outcome: firefly.Completed},
		"aborted, no request": {lost: 1, moment: cut.Request, aborted: true, runs: 2, commits: 3, outcome: firefly.Completed},
	} {
		t.Run(name, func(t *testing.T) {
			viewed, direct := freshOn(t, server)
			var runs, commits atomic.Int64
			w := wire{lose: losing(test.lost, test.moment, &commits)}
			w.before = func(command string, body bson.Raw) {
				if test.aborted && command == commitTransaction && commits.Load() == 0 {
					sessions := bson.M{"killSessions": bson.A{body.Lookup("lsid")}}
					if err := direct.Client().Database("admin").RunCommand(t.Context(), sessions).Err(); err != nil {
						t.Error(err)
					}
				}
			}
			s := openShop(t, w.connect(t, server.URL(), direct.Name(), patience))
			outcomes := make(chan firefly.Outcome, 10)
			s.view = view{viewed, direct}
			s.work(firefly.WorkerConfig{
				Lease: test.lease, Hooks: firefly.Hooks{Ended: func(_ firefly.Info, e firefly.End) { outcomes <- e.Outcome }},
			}, s.bills(func(context.Context) error { runs.Add(1); return nil }))
			got := s.run()
			if outcome := <-outcomes; got.Status != store.Completed || outcome != test.outcome || got.Retries+got.Crashes != 0 {
				t.Errorf("the task is %s, and its run ended as %s, errors %v", got.Status, outcome, got.Errors)
			}
			if n := cmp.Or(test.commits, commits.Load()); runs.Load() != test.runs || commits.Load() != n {
				t.Errorf("%d runs and %d commits, want %d and %d", runs.Load(), commits.Load(), test.runs, n)
			}
			s.expect(1, 0, ship, 1)
		})
	}
}

// A commit whose replies are lost is sent again, more often than the driver does so. If the server is gone
// then it is in doubt, though the last try surely had no effect.
func TestCommitIsSentAgain(t *testing.T) {
	server := servers.MongoDB(t)
	for name, test := range map[string]struct {
		lost int64
		gone bool
	}{"lost": {lost: 2}, "gone": {lost: 1, gone: true}} {
		t.Run(name, func(t *testing.T) {
			direct, db := freshOn(t, server)
			var commits atomic.Int64
			var w wire
			lose := losing(test.lost, cut.Reply, &commits)
			w.lose = func(request []byte) cut.Moment {
				moment := lose(request)
				w.torn.Store(w.torn.Load() || test.gone && moment != 0)
				return moment
			}
			wait := patience
			if test.gone {
				wait = 50 * time.Millisecond
			}
			s := openStore(t, w.connect(t, server.URL(), db.Name(), wait))
			err := s.WithTx(t.Context(), func(ctx context.Context, tx store.Writer) error {
				_, err := tx.Insert(ctx, newTasks(1))
				return err
			})
			if test.gone == store.IsDefinite(err) || test.gone == (err == nil) {
				t.Errorf("error %v, want one that leaves it open: %t", err, test.gone)
			}
			expectCounts(t, direct, store.QueueCounts{Created: 1})
		})
	}
}
