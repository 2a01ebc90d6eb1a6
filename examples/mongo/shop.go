package main

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store/mongo"
)

var (
	confirm = firefly.Declare[bson.ObjectID, string]("shop.confirm", firefly.MaxRetries(3))
	mail    = firefly.Declare[string, firefly.None]("shop.mail", firefly.MaxRetries(10))
)

// A product and an order are the application's own documents.
type product struct {
	Item   string `bson:"_id"`
	Pieces int    `bson:"pieces"`
}

type order struct {
	ID        bson.ObjectID `bson:"_id"`
	Item      string        `bson:"item"`
	Confirmed bool          `bson:"confirmed"`
}

func byID(id any) bson.M { return bson.M{"_id": id} }

type shop struct {
	orders, stock *driver.Collection

	store  *mongo.Store
	client *firefly.Client
	sent   chan string
}

// order writes an order and the task that confirms it, in one transaction of the application's.
func (s *shop) order(ctx context.Context, item string) (h *firefly.Handle[string], err error) {
	session, err := s.orders.Database().Client().StartSession()
	if err != nil {
		return nil, err
	}
	defer session.EndSession(ctx)
	id := bson.NewObjectID() // not in the function below, which may run again
	majority := options.Transaction().SetWriteConcern(writeconcern.Majority())
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		err := s.stock.FindOne(ctx, byID(item)).Err()
		if err == nil {
			_, err = s.orders.InsertOne(ctx, order{ID: id, Item: item})
		}
		if err == nil {
			h, err = confirm.Schedule(ctx, s.client.In(s.store.In(ctx)), id)
		}
		return nil, err
	}, majority)
	return h, err
}

// confirm takes the item from the stock and schedules an e-mail. All of it, and the completion of
// the task, is one transaction: the handler's own.
func (s *shop) confirm(ctx context.Context, id bson.ObjectID) (string, error) {
	tx, err := mongo.Session(ctx) // opened now, committed when the handler has returned nil
	if err != nil {
		return "", err
	}
	var o order
	if err := s.orders.FindOneAndUpdate(tx, byID(id), bson.M{"$set": bson.M{"confirmed": true}}).Decode(&o); err != nil {
		return "", err
	}
	taken, err := s.stock.UpdateOne(tx,
		bson.M{"_id": o.Item, "pieces": bson.M{"$gt": 0}}, bson.M{"$inc": bson.M{"pieces": -1}})
	if err != nil {
		return "", err // two that take the last lamp run into each other here
	}
	answer := "your " + o.Item + " is on its way"
	if taken.MatchedCount == 0 {
		answer = "sorry, the " + o.Item + " is sold out"
	}
	_, err = mail.Schedule(ctx, s.client, answer) // sent only if all of this is committed
	return answer, err
}

func (s *shop) mail(_ context.Context, text string) error {
	s.sent <- text
	return nil
}
