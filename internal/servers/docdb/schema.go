package docdb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// createIndexes answers as a server without shards does.
func (g *Gateway) createIndexes(ctx context.Context, on querier, q *request) (bson.Raw, error) {
	const sql = "documentdb_api_internal.create_indexes_non_concurrently($1, $2::bytea, true)::bytea"
	reply, err := ask(sql, database, spec)(g, ctx, on, q)
	if err != nil {
		return nil, err
	}
	inner, is := reply.Lookup("raw", "defaultShard").DocumentOK()
	if !is {
		return reply, nil
	}
	if failed := errorIn(inner, q.namespace()); failed != nil {
		return nil, failed
	}
	return ok(fields(without(inner, "ok"))...), nil // it may be an integer
}

func (*Gateway) dropCollection(ctx context.Context, on querier, q *request) (bson.Raw, error) {
	var dropped bool
	err := on.QueryRow(ctx, "SELECT documentdb_api.drop_collection($1, $2)", q.database, q.collection()).Scan(&dropped)
	if err != nil || !dropped {
		return ok(), err
	}
	return ok(bson.E{Key: "ns", Value: q.namespace()}), nil
}

// dropDatabase first ends the transactions in the database, where MongoDB would wait for their ends.
func (g *Gateway) dropDatabase(ctx context.Context, on querier, q *request) (bson.Raw, error) {
	g.abortIn(q.database)
	var dropped bool
	err := on.QueryRow(ctx, "SELECT true FROM documentdb_api.drop_database($1)", q.database).Scan(&dropped)
	return ok(bson.E{Key: "dropped", Value: q.database}), err
}
