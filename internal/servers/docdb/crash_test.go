package docdb_test

import (
	"context"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestCrash(t *testing.T) {
	server := servers.NewMongoDB(t)
	db := database{connect(t, server.URL()).Database(server.Database(t)), t}
	c := db.with("c", docs(4)...)
	writer, committer, unfinished, next := db.rawSession(), db.rawSession(), db.rawSession(), db.rawSession()
	update := func(s rawSession, number int64, id int, transaction bool) error {
		command := increment(c, id)
		if !transaction {
			_, err := s.run(number, command)
			return err
		}
		_, err := s.run(number, command, inside, first)
		return err
	}
	must(t,
		update(writer, 1, 0, false),
		update(committer, 1, 1, true), committer.end(1, "commitTransaction"),
		update(unfinished, 1, 2, true),
		update(next, 7, 3, false))
	server.Kill(t)
	server.Restart(t)

	// These commands are not repeated on another connection, and the client still has some old ones.
	eventually(t, "the server answers", func() bool { return db.Client().Ping(t.Context(), nil) == nil })
	t.Run("a write that is repeated is known", func(t *testing.T) {
		must(t, update(writer, 1, 0, false))
		c.wantN(0, 1)
	})
	t.Run("a commit that is repeated is known", func(t *testing.T) {
		must(t, committer.end(1, "commitTransaction"))
		c.wantN(1, 2)
	})
	t.Run("a transaction that was open is not", func(t *testing.T) {
		wantCode(t, unfinished.end(1, "commitTransaction"), 251, true)
		c.wantN(2, 2)
	})
	t.Run("a transaction does not live on for ever", func(t *testing.T) {
		must(t, update(unfinished, 2, 2, true))
		eventually(t, "the server rolls it back", func() bool {
			atOnce, cancel := context.WithTimeout(t.Context(), servers.ShortLifetime/10)
			defer cancel()
			_, err := c.UpdateOne(atOnce, byID(2), inc(1))
			return err == nil
		})
		wantCode(t, unfinished.end(2, "commitTransaction"), 251, true)
	})
	t.Run("a session goes on", func(t *testing.T) {
		wantCode(t, update(next, 6, 3, false), 225, false)
		must(t, update(next, 8, 3, true), next.end(8, "commitTransaction"))
		c.wantN(3, 5)
	})
}

func TestWritesDuringACrash(t *testing.T) {
	const writers, times = 4, 30
	server := servers.NewMongoDB(t)
	db := database{connect(t, server.URL()).Database(server.Database(t)), t}
	c := db.with("c", docs(writers)...)
	var failed [writers]int
	halfway, done := make(chan struct{}, writers), make(chan struct{})
	go func() {
		defer close(done)
		race(writers, func(id int) error {
			for i := range times {
				if i == times/2 {
					halfway <- struct{}{}
				}
				// The driver repeats it once, maybe not before the server is there again.
				if _, err := c.UpdateOne(t.Context(), byID(id), inc(1)); err != nil {
					failed[id]++
				}
			}
			return nil
		})
	}()
	<-halfway
	server.Kill(t)
	server.Restart(t)
	<-done
	for id, unknown := range failed {
		if got := c.n(t.Context(), id) - id; got < times-unknown || got > times {
			t.Errorf("%d are stored of %d writes, of which %d failed", got, times, unknown)
		}
	}
}
