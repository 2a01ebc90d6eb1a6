package docdb

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	replicaSet = "rs0"

	// version and wireVersion are of the MongoDB whose commands are answered.
	version     = "7.0.0"
	wireVersion = 21
)

// hello says what the server is.
func (g *Gateway) hello(q *request) bson.Raw {
	writable := "isWritablePrimary"
	if q.name != "hello" {
		writable = "ismaster"
	}
	d := bson.D{{Key: "helloOk", Value: true}, {Key: writable, Value: true}}
	if !g.standAlone {
		d = append(d, bson.D{
			{Key: "setName", Value: replicaSet},
			{Key: "setVersion", Value: 1},
			{Key: "hosts", Value: bson.A{g.Addr()}},
			{Key: "me", Value: g.Addr()},
			{Key: "primary", Value: g.Addr()},
			{Key: "secondary", Value: false},
			{Key: "electionId", Value: g.election},
			{Key: "lastWrite", Value: bson.D{{Key: "lastWriteDate", Value: time.Now()}}},
		}...)
	}
	return ok(append(d, bson.D{
		{Key: "maxBsonObjectSize", Value: maxDocument},
		{Key: "maxMessageSizeBytes", Value: maxMessage},
		{Key: "maxWriteBatchSize", Value: 100_000},
		{Key: "localTime", Value: time.Now()},
		{Key: "logicalSessionTimeoutMinutes", Value: 30},
		{Key: "minWireVersion", Value: 0},
		{Key: "maxWireVersion", Value: wireVersion},
		{Key: "readOnly", Value: false},
	}...)...)
}

func buildInfo() bson.Raw {
	return ok(
		bson.E{Key: "version", Value: version},
		bson.E{Key: "versionArray", Value: bson.A{7, 0, 0, 0}},
		bson.E{Key: "modules", Value: bson.A{}},
		bson.E{Key: "bits", Value: 64},
		bson.E{Key: "maxBsonObjectSize", Value: maxDocument})
}

// withTime adds the time that members of a replica set and their clients keep in step by.
func (g *Gateway) withTime(reply bson.Raw) bson.Raw {
	if g.standAlone {
		return reply
	}
	g.mu.Lock()
	next := bson.Timestamp{T: uint32(time.Now().Unix()), I: 1} //nolint:gosec // as the protocol has it
	if next.T <= g.clock.T {
		next = bson.Timestamp{T: g.clock.T, I: g.clock.I + 1}
	}
	g.clock = next
	g.mu.Unlock()
	return marshal(append(fields(reply),
		bson.E{Key: "operationTime", Value: next},
		bson.E{Key: "$clusterTime", Value: bson.D{
			{Key: "clusterTime", Value: next},
			{Key: "signature", Value: bson.D{
				{Key: "hash", Value: make([]byte, 20)},
				{Key: "keyId", Value: int64(0)},
			}},
		}}))
}
