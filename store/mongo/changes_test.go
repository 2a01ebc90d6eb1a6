package mongo_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

// Of what change streams bring, the server passes on what may be work, and that is understood.
func TestChanges(t *testing.T) {
	_, db := fresh(t)
	now := func(status store.Status, cancel bool) bson.M {
		return bson.M{"_id": int64(7), "queue": "q", "status": status, "cancel": cancel, "name": "n"}
	}
	inserted := func(document bson.M) bson.M { return bson.M{"operationType": "insert", "fullDocument": document} }
	update := func(field string, value any, now bson.M) bson.M {
		return bson.M{"operationType": "update", "updateDescription": bson.M{"updatedFields": bson.M{field: value}}, "fullDocument": now}
	}
	for name, test := range map[string]struct {
		event  bson.M
		passed bool // by the server
		hint   bool
		cancel bool
	}{
		"inserted":               {inserted(now(store.Created, false)), true, true, false},
		"a tally":                {inserted(bson.M{"tally": bson.A{bson.M{"queue": "q"}}}), false, false, false},
		"deleted":                {bson.M{"operationType": "delete"}, false, false, false},
		"claimed":                {update("status", store.Running, now(store.Running, false)), false, false, false},
		"given back":             {update("status", store.Created, now(store.Created, false)), true, true, false},
		"given back and claimed": {update("status", store.Created, now(store.Running, false)), true, true, false},
		"given back and deleted": {update("status", store.Created, nil), true, false, false},
		"given another time":     {update("due", int64(1), now(store.Created, false)), true, true, false},
		"completed":              {update("status", store.Completed, now(store.Completed, false)), false, false, false},
		"to be cancelled":        {update("cancel", true, now(store.Running, true)), true, true, true},
		"cancelled meanwhile":    {update("cancel", true, now(store.Cancelled, true)), true, true, false},
		"delivered":              {update("outbox", int64(1), now(store.Completed, false)), false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			events := db.Collection("event " + name)
			if _, err := events.InsertOne(t.Context(), test.event); err != nil {
				t.Fatal(err)
			}
			cursor, err := events.Aggregate(t.Context(), mongo.Changes())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cursor.Close(t.Context()) }()
			far, err := mongo.New(connect(t, "mongodb://127.0.0.1:1", "tasks"), quiet()) // hears nothing by itself
			if err != nil {
				t.Fatal(err)
			}
			defer far.Close()
			wait := func(queue string) (store.Hint, error) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				defer cancel()
				return far.Wait(ctx, []string{queue})
			}
			for _, queue := range []string{"q", "other"} { // from now on what comes is kept for those who wait
				if _, err := wait(queue); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
			}
			passed := cursor.Next(t.Context())
			if passed {
				err = mongo.Heard(far, cursor.Current)
			}
			if err := errors.Join(err, cursor.Err()); passed != test.passed || err != nil {
				t.Fatalf("the event passes: %t, error %v", passed, err)
			}
			hint, err := wait("q")
			if (err == nil) != test.hint || slices.Equal(hint.Cancelled, []int64{7}) != test.cancel {
				t.Errorf("the hint is %+v, error %v", hint, err)
			}
			if _, err := wait("other"); err == nil {
				t.Error("those who wait for another queue got a hint")
			}
		})
	}
}

// Where there are no change streams, that is found out once, quietly.
func TestNoChangeStreams(t *testing.T) {
	for mode := range modes {
		t.Run(mode, func(t *testing.T) {
			server := modes[mode].server(t)
			if server.Real() && !modes[mode].standAlone {
				t.Skip("this server has them")
			}
			var log journal
			s, _ := freshOn(t, server, log.option())
			log.take()
			ctx := within(t)
			mongo.Hear(ctx, s)
			if got := log.take(); ctx.Err() != nil || got != "" {
				t.Errorf("%v, and was logged: %s", ctx.Err(), got)
			}
		})
	}
}
