package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Wait implements [store.Waiter]. It hears what this process does, at once, and on a server that has
// change streams what others insert, give another time, and cancel. Tasks that fall due by and by, and what was not heard,
// the engine finds by polling.
func (s *Store) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	s.listen.Do(func() { s.beside.Go(s.hear) })
	return s.board.Wait(ctx, s.beside.Done(), queues)
}

// announce gives news of this process to those who wait in it.
func (s *Store) announce(n *wake.News) {
	if len(n.Queues) > 0 {
		s.candidates.outdate()
		s.board.Announce(n)
	}
}

const renewPause = time.Second

// hear passes on what other processes do, until the store is closed, or the server turns out to have
// no change streams.
func (s *Store) hear(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.look(ctx); err == nil {
			err = s.hearOn(ctx)
			if !s.replicated || hasCode(err, codeNoChangeStreams, codeUnknownStage, codeNotReplicated, codeUnauthorized) {
				return
			}
		}
		select {
		case <-time.After(renewPause):
		case <-ctx.Done():
		}
	}
}

// A changeEvent is what a change stream says of a task.
type changeEvent struct {
	Task record `bson:"fullDocument"`
}

// changes are the events that are worth a hint: a task that may be due, and one that is to be cancelled.
func changes() []bson.M {
	return []bson.M{
		{"$match": bson.M{"$or": []bson.M{
			{"operationType": "insert", "fullDocument.status": store.Created},
			{"operationType": "update", "updateDescription.updatedFields.status": store.Created},
			{"operationType": "update", "updateDescription.updatedFields.due": bson.M{"$exists": true}},
			{"operationType": "update", "updateDescription.updatedFields.cancel": true},
		}}},
		{"$project": bson.M{"fullDocument.queue": 1, "fullDocument._id": 1, "fullDocument.cancel": 1, "fullDocument.status": 1}},
	}
}

// hearOn passes on what comes by one change stream.
func (s *Store) hearOn(ctx context.Context) error {
	stream, err := s.tasks.Watch(ctx, changes(), options.ChangeStream().SetFullDocument(options.UpdateLookup))
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close(context.WithoutCancel(ctx)) }()
	s.board.AnnounceAll() // before it, something may have been missed
	for stream.Next(ctx) {
		var event changeEvent
		if err := stream.Decode(&event); err != nil {
			return err
		}
		s.heard(&event)
	}
	return stream.Err()
}

func (s *Store) heard(event *changeEvent) {
	var news wake.News
	switch task := &event.Task; {
	case task.Queue == "": // it was deleted meanwhile
		return
	case task.Cancel && task.Status == store.Running:
		news.Cancelled(task.Queue, task.ID)
	default:
		news.Due(task.Queue)
	}
	s.board.Announce(&news)
}
