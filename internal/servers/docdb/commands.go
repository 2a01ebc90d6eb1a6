package docdb

import (
	"context"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// A querier is a connection, or whichever is free.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// An operation carries out a request and returns the reply.
type operation func(g *Gateway, ctx context.Context, on querier, q *request) (bson.Raw, error)

// A command is what DocumentDB carries out.
type command struct {
	run operation
	is  trait
}

// A trait says what has to be known of a command.
type trait int

const (
	reads         trait = 0
	changes       trait = 1 << iota // it changes something, and is tried again if it meets another that does
	transactional                   // it may be part of a transaction of many documents
	writes        = changes | transactional
)

// commands has the ways to call DocumentDB. Most of its functions take a command as it is.
var commands = map[string]command{
	"insert":        {ask("p_result::bytea FROM documentdb_api.insert($1, $2::bytea, $3::bytea)", database, spec, documents), writes},
	"update":        {ask("p_result::bytea FROM documentdb_api.update($1, $2::bytea, $3::bytea)", database, spec, documents), writes},
	"delete":        {ask("p_result::bytea FROM documentdb_api.delete($1, $2::bytea, $3::bytea)", database, spec, documents), writes},
	"findAndModify": {ask("p_result::bytea FROM documentdb_api.find_and_modify($1, $2::bytea)", database, withoutHint), writes},

	"find":      {cursorBy("documentdb_api.find_cursor_first_page"), transactional},
	"aggregate": {(*Gateway).aggregate, transactional},
	"getMore":   {(*Gateway).nextPage, transactional},
	"distinct":  {ask("document::bytea FROM documentdb_api.distinct_query($1, $2::bytea)", database, spec), transactional},
	"count":     {ask("document::bytea FROM documentdb_api.count_query($1, $2::bytea)", database, spec), reads},

	"create":           {ask("documentdb_api.create_collection_view($1, $2::bytea)::bytea", database, spec), writes},
	"collMod":          {ask("documentdb_api.coll_mod($1, $2, $3::bytea)::bytea", database, collection, spec), changes},
	"renameCollection": {ask("documentdb_api.rename_collection($1::bytea)::bytea", spec), changes},
	"drop":             {(*Gateway).dropCollection, changes},
	"dropDatabase":     {(*Gateway).dropDatabase, changes},
	"createIndexes":    {(*Gateway).createIndexes, writes},
	"dropIndexes":      {ask("documentdb_api_internal.drop_indexes_non_concurrently($1, $2::bytea)::bytea", database, spec), changes},

	"listDatabases":   {ask("documentdb_api.list_databases($1::bytea)::bytea", spec), reads},
	"listCollections": {cursorBy("documentdb_api.list_collections_cursor_first_page"), reads},
	"listIndexes":     {cursorBy("documentdb_api.list_indexes_cursor_first_page"), reads},
	"dbStats":         {ask("documentdb_api.db_stats($1)::bytea", database), reads},
	"collStats":       {ask("documentdb_api.coll_stats($1, $2)::bytea", database, collection), reads},
}

// ask returns the operation of which the one value that a SELECT returns is the reply.
func ask(sql string, arguments ...func(*request) any) operation {
	return func(_ *Gateway, ctx context.Context, on querier, q *request) (bson.Raw, error) {
		values := make([]any, len(arguments))
		for i, argument := range arguments {
			values[i] = argument(q)
		}
		var reply []byte
		err := on.QueryRow(ctx, "SELECT "+sql, values...).Scan(&reply)
		return reply, err
	}
}

func database(q *request) any   { return q.database }
func collection(q *request) any { return q.collection() }
func spec(q *request) any       { return []byte(q.spec()) }
func documents(q *request) any  { return q.documents }

// withoutHint is the command without what DocumentDB would refuse there, and what changes no reply.
func withoutHint(q *request) any { return []byte(without(q.spec(), "hint")) }

// run carries out a request. PostgreSQL decides when that is in force.
func (g *Gateway) run(ctx context.Context, on querier, q *request) (bson.Raw, error) {
	c, is := commands[q.name]
	if !is {
		return nil, commandNotFound.errorf("no such command: '%s'", q.name)
	}
	return c.run(g, ctx, on, q)
}
