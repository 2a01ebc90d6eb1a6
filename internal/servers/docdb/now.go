package docdb

import (
	"bytes"
	"encoding/binary"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// DocumentDB has one $$NOW for a whole transaction, and none for updates of many documents by a
// pipeline. So the gateway writes the time of the command in its place, which is what $$NOW means.

var variableNow = []byte("$$NOW\x00")

// expressions has the fields of a command, or of a statement of it, that may say $$NOW wherever a
// value is expected. Elsewhere, as in a filter, it is a mere string, unless it is under $expr.
var expressions = map[string]bool{"pipeline": true, "let": true, "projection": true, "fields": true}

// updates has the fields that are a pipeline if they are an array, and else a document of operators.
var updates = map[string]bool{"update": true, "u": true}

// A clock knows what $$NOW is.
type clock bson.DateTime

func (q *request) writeNow() {
	now := clock(bson.NewDateTimeFromTime(time.Now()))
	if q.name == "insert" {
		return
	}
	if bytes.Contains(q.body, variableNow) {
		q.body = now.inStatement(q.body)
	}
	if !bytes.Contains(q.documents, variableNow) {
		return
	}
	var all []byte
	for rest := q.documents; len(rest) > 0; {
		size := binary.LittleEndian.Uint32(rest)
		all = append(all, now.inStatement(rest[:size])...)
		rest = rest[size:]
	}
	q.documents = all
}

// inStatement replaces $$NOW in a command or in one of its statements.
func (now clock) inStatement(doc bson.Raw) bson.Raw {
	d := fields(doc)
	for i, f := range d {
		v, _ := f.Value.(bson.RawValue)
		switch f.Key {
		case "updates", "deletes":
			statements := values(v)
			inner := make(bson.A, len(statements))
			for k, statement := range statements {
				inner[k] = now.inStatement(statement.Document())
			}
			d[i].Value = inner
		default:
			d[i].Value = now.in(v, expressions[f.Key] || updates[f.Key] && v.Type == bson.TypeArray)
		}
	}
	return marshal(d)
}

// in replaces $$NOW in a value, which is an expression or only may have such.
func (now clock) in(v bson.RawValue, expression bool) any {
	switch v.Type {
	case bson.TypeString:
		if expression && v.StringValue() == "$$NOW" {
			return bson.DateTime(now)
		}
	case bson.TypeArray:
		all := values(v)
		inner := make(bson.A, len(all))
		for i, e := range all {
			inner[i] = now.in(e, expression)
		}
		return inner
	case bson.TypeEmbeddedDocument:
		d := fields(v.Document())
		for i, f := range d {
			if f.Key != "$literal" {
				value, _ := f.Value.(bson.RawValue)
				d[i].Value = now.in(value, f.Key == "$expr" || expression && f.Key != "$match")
			}
		}
		return d
	default:
	}
	return v
}
