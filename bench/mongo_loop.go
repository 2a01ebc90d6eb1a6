package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	mongodriver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// loopSettings are what a hand-written loop does that finds due tasks, takes them by a
// compare-and-set, reads those that it won, and completes them.
var loopSettings = func() map[string][]setting {
	m := map[string][]setting{
		"insert-1":  {{name: "insertOne", producers: 1}},
		"insert-16": {{name: "insertOne", producers: 16}},
		"insert-bulk": {
			{name: "insertMany 4 x 1,000", producers: 4, batch: 1000},
			{name: "insertMany 1 x 1,000", producers: 1, batch: 1000},
			{name: "insertMany 1 x 10,000", producers: 1, batch: 10_000},
			{name: "insertMany 4 x 10,000", producers: 4, batch: 10_000},
		},
		"drain": {
			{name: "2 loops x 1,000", workers: 2, batch: 1000},
			{name: "4 loops x 1,000", workers: 4, batch: 1000},
			{name: "1 loop x 1,000", workers: 1, batch: 1000},
		},
		"work":         {{name: "2 loops x 1,000", workers: 2, batch: 1000}},
		"latency":      {{name: "1 loop, every 10 ms", workers: 1, batch: 100, pause: 10 * time.Millisecond}},
		"handler-1ms":  nil, // it runs one task after the other
		"handler-10ms": nil,
		"slots":        nil,
		"unique":       nil, // it has no keys, results, or other queues, and keeps what has ended
		"results":      nil,
		"retention":    nil,
		"finished-10m": nil, // Firefly is compared with itself
		"soak":         nil,
	}
	for _, n := range []int{1, 10, 100, 1000} {
		m[numbered("queues", n)] = nil
	}
	for _, n := range crowds {
		m[numbered("workers", n)] = []setting{{name: "loops x 1,000 that compete", workers: 1, batch: 1000}}
		m[numbered("pools", n)] = []setting{{name: "loops x 1,000 that take turns", workers: 1, batch: 1000}}
	}
	return m
}()

// A loopTask is a task of the loop.
type loopTask struct {
	ID       bson.ObjectID `bson:"_id"`
	Queue    string        `bson:"queue"`
	Status   int32         `bson:"status"`
	Priority int32         `bson:"priority"`
	Due      time.Time     `bson:"due"`
	Params   params        `bson:"params"`
}

// The statuses.
const (
	loopCreated = iota
	loopRunning
	loopCompleted
)

// A loopSystem takes and completes tasks many at a time, and knows neither retries nor lost leases.
type loopSystem struct {
	client *mongodriver.Client
	tasks  *mongodriver.Collection
	ended  atomic.Int64 // by the latest call of work
}

func (b *mongoBackend) openLoop(ctx context.Context) (system, error) {
	client, err := b.connect()
	if err != nil {
		return nil, err
	}
	journal := true
	concern := &writeconcern.WriteConcern{W: "majority", Journal: &journal}
	l := &loopSystem{client: client, tasks: client.Database(b.database(), options.Database().SetWriteConcern(concern)).Collection("task")}
	_, err = l.tasks.Indexes().CreateOne(ctx, mongodriver.IndexModel{Keys: bson.D{
		{Key: "queue", Value: 1}, {Key: "status", Value: 1}, {Key: "priority", Value: -1}, {Key: "due", Value: 1}, {Key: "_id", Value: 1},
	}})
	return l, err
}

func newLoopTask(j job) loopTask {
	return loopTask{
		ID: bson.NewObjectID(), Queue: defaultQueue, Priority: int32(j.priority), Due: time.Now().Add(j.delay), Params: j.params,
	}
}

func (l *loopSystem) insert(ctx context.Context, jobs []job, _ setting) error {
	if len(jobs) == 1 {
		_, err := l.tasks.InsertOne(ctx, newLoopTask(jobs[0]))
		return err
	}
	return l.insertAs(ctx, jobs, loopCreated)
}

func (l *loopSystem) insertAs(ctx context.Context, jobs []job, status int32) error {
	tasks := make([]loopTask, len(jobs))
	for i, j := range jobs {
		tasks[i] = newLoopTask(j)
		tasks[i].Status = status
	}
	_, err := l.tasks.InsertMany(ctx, tasks, options.InsertMany().SetOrdered(false))
	return err
}

func (l *loopSystem) fill(ctx context.Context, what content, n int) error {
	status := map[content]int32{finished: loopCompleted, future: loopCreated}[what]
	return produce(quickly.producers, n, quickly.batch, func(n int) error { return l.insertAs(ctx, later(n), status) })
}

func (l *loopSystem) work(ctx context.Context, how setting, load load, handle func(params)) (func() error, error) {
	l.ended.Store(0)
	each := how.workers * max(1, load.pools)
	turns := make([]sync.Mutex, max(1, load.servers)) // loops of one server take turns
	return rounds(ctx, each*len(turns), func(ctx context.Context, i int) error {
		return l.round(ctx, how, &turns[i/each], handle)
	}), nil
}

// round takes tasks and completes them. Loops of one process take turns to take, so as not to compete.
func (l *loopSystem) round(ctx context.Context, how setting, turn *sync.Mutex, handle func(params)) error {
	claim := bson.NewObjectID()
	turn.Lock()
	ids, won, err := l.take(ctx, claim, how.batch)
	turn.Unlock()
	if err != nil {
		return err
	}
	if won == 0 {
		if len(ids) == 0 {
			time.Sleep(max(how.pause, time.Millisecond))
		}
		return nil
	}
	mine := bson.M{"_id": bson.M{"$in": ids}, "claim": claim}
	tasks, err := l.find(ctx, mine, options.Find().SetBatchSize(int32(how.batch)))
	if err != nil {
		return err
	}
	for i := range tasks {
		handle(tasks[i].Params)
	}
	mine["status"] = loopRunning
	done, err := l.tasks.UpdateMany(ctx, mine, bson.M{"$set": bson.M{"status": loopCompleted, "finished": time.Now()}})
	if err == nil {
		l.ended.Add(done.ModifiedCount)
	}
	return err
}

// take finds due tasks, and marks those that nobody else has taken since.
func (l *loopSystem) take(ctx context.Context, claim bson.ObjectID, n int) (ids []bson.ObjectID, won int64, err error) {
	now := time.Now()
	due, err := l.find(ctx, bson.M{"queue": defaultQueue, "status": loopCreated, "due": bson.M{"$lte": now}}, options.Find().
		SetSort(bson.D{{Key: "priority", Value: -1}, {Key: "due", Value: 1}, {Key: "_id", Value: 1}}).
		SetProjection(bson.M{"_id": 1}).SetLimit(int64(n)).SetBatchSize(int32(n)))
	if err != nil || len(due) == 0 {
		return nil, 0, err
	}
	ids = make([]bson.ObjectID, len(due))
	for i := range due {
		ids[i] = due[i].ID
	}
	result, err := l.tasks.UpdateMany(ctx,
		bson.M{"_id": bson.M{"$in": ids}, "status": loopCreated, "due": bson.M{"$lte": now}},
		bson.M{"$set": bson.M{"status": loopRunning, "claim": claim, "due": now.Add(30 * time.Second)}})
	if err != nil {
		return nil, 0, err
	}
	return ids, result.ModifiedCount, nil
}

// find decodes by itself: the driver's cursor makes a buffer of 4 KiB for each document.
func (l *loopSystem) find(ctx context.Context, filter bson.M, how *options.FindOptionsBuilder) ([]loopTask, error) {
	cursor, err := l.tasks.Find(ctx, filter, how)
	if err != nil {
		return nil, err
	}
	var all []loopTask
	for cursor.Next(ctx) {
		var one loopTask
		if err := bson.Unmarshal(cursor.Current, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, cursor.Err()
}

func (l *loopSystem) settled(_ context.Context, n int) (bool, error) {
	return l.ended.Load() >= int64(n), nil
}

func (l *loopSystem) close() error { return l.client.Disconnect(context.Background()) }
