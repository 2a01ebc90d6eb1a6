package docdb

import (
	"context"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A cursor is the rest of an answer. It needs no connection of its own: DocumentDB keeps a sorted
// rest in a file, and finds the other ones again.
type cursor struct {
	session *session // of the transaction in which it was opened, if any

	mu   sync.Mutex
	rest []byte // what DocumentDB wants to be given
}

// cursorBy returns the operation that opens a cursor by a function.
func cursorBy(function string) operation {
	sql := "SELECT cursorpage::bytea, continuation::bytea, cursorid FROM " + function + "($1, $2::bytea, 0)"
	return func(g *Gateway, ctx context.Context, on querier, q *request) (bson.Raw, error) {
		var page, rest []byte
		var id int64
		err := on.QueryRow(ctx, sql, q.database, []byte(q.spec())).Scan(&page, &rest, &id)
		if err == nil && rest != nil && id != 0 {
			g.mu.Lock()
			g.cursors[id] = &cursor{session: q.within, rest: rest}
			g.mu.Unlock()
		}
		return page, err
	}
}

// aggregate opens a cursor. There are no change streams: a replica set has DocumentDB's refusal for
// an answer, CommandNotSupported, but a stand-alone server its own.
func (g *Gateway) aggregate(ctx context.Context, on querier, q *request) (bson.Raw, error) {
	if pipeline := values(q.body.Lookup("pipeline")); g.standAlone && len(pipeline) > 0 {
		stage, _ := pipeline[0].DocumentOK()
		if !stage.Lookup("$changeStream").IsZero() {
			return nil, noChangeStream.errorf("The $changeStream stage is only supported on replica sets")
		}
	}
	return cursorBy("documentdb_api.aggregate_cursor_first_page")(g, ctx, on, q)
}

func (g *Gateway) nextPage(ctx context.Context, on querier, q *request) (bson.Raw, error) {
	const sql = "SELECT cursorpage::bytea, continuation::bytea FROM documentdb_api.cursor_get_more($1, $2::bytea, $3::bytea)"
	id, _ := q.body.Lookup(q.name).AsInt64OK()
	g.mu.Lock()
	c := g.cursors[id]
	g.mu.Unlock()
	if c == nil || c.session != q.within {
		return nil, cursorNotFound.errorf("cursor id %d not found", id)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var page, rest []byte
	err := on.QueryRow(ctx, sql, q.database, []byte(q.spec()), c.rest).Scan(&page, &rest)
	c.rest = rest
	if err != nil || rest == nil {
		g.forgetCursor(id)
	}
	return page, err
}

func (g *Gateway) forgetCursor(id int64) (known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, known = g.cursors[id]
	delete(g.cursors, id)
	return known
}

func (g *Gateway) killCursors(ctx context.Context, q *request) (bson.Raw, error) {
	killed, unknown := []int64{}, []int64{}
	for _, v := range values(q.body.Lookup("cursors")) {
		id, _ := v.AsInt64OK()
		if g.forgetCursor(id) {
			killed = append(killed, id)
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(killed) > 0 {
		if _, err := g.pool.Exec(ctx, "SELECT documentdb_api_internal.delete_cursors($1)", killed); err != nil {
			return nil, err
		}
	}
	return ok(
		bson.E{Key: "cursorsKilled", Value: killed},
		bson.E{Key: "cursorsNotFound", Value: unknown},
		bson.E{Key: "cursorsAlive", Value: bson.A{}},
		bson.E{Key: "cursorsUnknown", Value: bson.A{}}), nil
}

// forgetCursors forgets the cursors of a session's transaction, which is over.
func (g *Gateway) forgetCursors(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id, c := range g.cursors {
		if c.session == s {
			delete(g.cursors, id)
		}
	}
}
