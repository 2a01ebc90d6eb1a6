package docdb

import (
	"context"
	"io"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func readRequest(r io.Reader) (*request, error) {
	m, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	return newRequest(m)
}

// handle carries out a command and returns its reply. There is none if nobody knows what became of
// the command: see asCommandError.
func (g *Gateway) handle(ctx context.Context, q *request) bson.Raw {
	if ms, is := q.body.Lookup("maxTimeMS").AsInt64OK(); is && ms > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
		defer cancel()
	}
	q.writeNow()
	reply, err := g.dispatch(ctx, q)
	if err != nil {
		told := asCommandError(err, q.namespace())
		if told == nil {
			return nil
		}
		reply = told.reply()
	}
	return g.withTime(reply)
}

func (g *Gateway) dispatch(ctx context.Context, q *request) (bson.Raw, error) {
	switch q.name {
	case "hello", "isMaster", "ismaster":
		return g.hello(q), nil
	case "buildInfo", "buildinfo":
		return buildInfo(), nil
	case "ping", "refreshSessions":
		return ok(), nil
	case "endSessions", "killSessions":
		return g.endSessions(ctx, q)
	case "killCursors":
		return g.killCursors(ctx, q)
	}
	switch {
	case q.numbered && g.standAlone:
		return nil, illegalOperation.errorf("Transaction numbers are only allowed on a replica set member or mongos")
	case q.transaction:
		return g.inTransaction(ctx, q)
	case q.numbered:
		return g.repeatable(ctx, q)
	}
	return g.outside(ctx, q, nil)
}
