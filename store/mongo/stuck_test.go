package mongo_test

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/store/mongo"
)

// A worker that dies in a transaction leaves it open for as long as the server allows. Until then its task
// cannot be taken back, but others are claimed.
func TestDeadWorkersTransactionHoldsUpNobodyElse(t *testing.T) {
	s, db := fresh(t)
	id := insert(t, s, 1)[0]
	c := newClaim(1)
	c.For = time.Millisecond
	if tasks, err := s.ClaimDue(t.Context(), c); err != nil || len(tasks) != 1 {
		t.Fatalf("claimed %d tasks, error %v", len(tasks), err)
	}
	session, err := db.Client().StartSession()
	if err == nil {
		err = session.StartTransaction()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer session.EndSession(context.WithoutCancel(t.Context()))
	in := driver.NewSessionContext(t.Context(), session)
	if _, err := mongo.Tasks(s).UpdateOne(in, bson.M{"_id": id}, bson.M{"$set": bson.M{"op": 1}}); err != nil {
		t.Fatal(err)
	}

	other := insert(t, s, 1)[0]
	tasks, err := s.ClaimDue(t.Context(), newClaim(2))
	if err != nil || len(tasks) != 1 || tasks[0].ID != other {
		t.Fatalf("claimed %+v, error %v, want task %d alone", tasks, err, other)
	}
	if err := session.AbortTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	mongo.Unstick(s)
	if task := claim(t, s, 1)[0]; task.ID != id || task.Crashes != 1 {
		t.Errorf("claimed %+v, want task %d, which crashed", task, id)
	}
}
