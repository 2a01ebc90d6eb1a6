package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// Whoever waits for a task that is given another time finds it afterwards, also if that is the time that
// it had.
func TestWaitingForANewTime(t *testing.T) {
	eta := time.Now().Add(time.Hour).Truncate(time.Second)
	// What an insertion does once it has run into a held key.
	const replace = `SELECT outcome = 2 FROM firefly.stand_in_1(now(), 900001, 'n', 'q', 1::smallint, 'json', '2', NULL, now(), 0, 0, 0, 'key', true)`
	const cancel = "SELECT NOT running FROM firefly.cancel_1(0, ARRAY[$1::bigint])"
	const again = "SELECT due_now FROM firefly.set_due_1(0, ARRAY[$1::bigint], NULL, 0)"
	for name, given := range map[string]time.Time{"the same": eta, "another": eta.Add(time.Hour)} {
		for act, text := range map[string]string{"replace": replace, "cancel": cancel, "set due": again} {
			t.Run(act+", "+name, func(t *testing.T) {
				s, pool := openFresh(t)
				tasks := []store.NewTask{newTask()}
				tasks[0].ETA, tasks[0].UniqueKey = eta, "key"
				if _, err := s.Insert(t.Context(), tasks); err != nil {
					t.Fatal(err)
				}
				tx, err := pool.Begin(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
				const set = "SELECT firefly.set_due_1(0, ARRAY[$1::bigint], $2, 0)"
				if tag, err := tx.Exec(t.Context(), set, tasks[0].ID, given); err != nil || tag.RowsAffected() != 1 {
					t.Fatalf("set due of %d tasks, error %v", tag.RowsAffected(), err)
				}
				var args []any
				if text != replace {
					args = append(args, tasks[0].ID)
				}
				found := make(chan bool, 1)
				go func() {
					var done bool
					if err := pool.QueryRow(t.Context(), text, args...).Scan(&done); err != nil {
						t.Error(err)
					}
					found <- done
				}()
				const waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1::integer = ANY (pg_blocking_pids(pid)))"
				for blocked := false; !blocked; {
					if err := pool.QueryRow(t.Context(), waiting, tx.Conn().PgConn().PID()).Scan(&blocked); err != nil {
						t.Fatal(err)
					}
				}
				if err := tx.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
				if !<-found {
					t.Error("the task was not found, though it waits")
				}
			})
		}
	}
}
