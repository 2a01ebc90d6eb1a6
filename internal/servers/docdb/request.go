package docdb

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// A request is a command with what is said about its session.
type request struct {
	*message

	name    string // of the command
	session string // its id
	number  int64  // of the session's transaction, or of its write that may be repeated; see numbered

	numbered    bool
	transaction bool     // it belongs to a transaction of many documents
	start       bool     // and is its first command
	within      *session // of the transaction, once it is open
}

// envelope has the fields that are for the gateway.
var envelope = []string{
	"lsid", "txnNumber", "startTransaction", "autocommit", "stmtId", "stmtIds",
	"$clusterTime", "$db", "$readPreference", "readConcern", "writeConcern",
	"apiVersion", "apiStrict", "apiDeprecationErrors",
}

func newRequest(m *message) (*request, error) {
	elements, err := m.body.Elements()
	if err != nil || len(elements) == 0 {
		return nil, errMalformed
	}
	q := &request{message: m, name: elements[0].Key()}
	if database, is := m.body.Lookup("$db").StringValueOK(); is {
		m.database = database
	}
	if _, id, is := m.body.Lookup("lsid", "id").BinaryOK(); is {
		q.session = string(id)
		q.number, q.numbered = m.body.Lookup("txnNumber").AsInt64OK()
	}
	autocommit, is := m.body.Lookup("autocommit").BooleanOK()
	q.transaction = q.numbered && is && !autocommit
	start, _ := m.body.Lookup("startTransaction").BooleanOK()
	q.start = start
	return q, nil
}

// spec returns the command as DocumentDB is to see it.
func (q *request) spec() bson.Raw { return without(q.body, envelope...) }

// collection returns the name of the collection that the command is for.
func (q *request) collection() string {
	name, _ := q.body.Lookup(q.name).StringValueOK()
	return name
}

func (q *request) namespace() string { return q.database + "." + q.collection() }
