package mongo

import (
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/fireflytasks/go-firefly/store"
)

// A collection may hold any document: it is read as a task that is one, or said to be damaged.
func FuzzDocument(f *testing.F) {
	lease := store.NewLeaseID()
	for _, r := range []record{
		newRecord(&store.NewTask{ID: 1, Name: "mail", Queue: "default", Encoding: "json", Params: []byte(`1`)}, instant{}),
		{ID: 2, Status: store.Running, Lease: lease[:], Meta: `{"a":"b"}`},
		{ID: 3, Status: store.Failed, Errors: []errorRecord{{Attempt: 1, At: 5, Text: "boom"}}, Returned: []byte(`2`)},
		{ID: 4, Status: "other", Meta: "{", Children: []record{{ID: 5}}},
	} {
		raw, err := bson.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		task, err := readTask(raw)
		if err == nil && (!task.Status.Valid() || !task.Lease.IsZero() && task.Status != store.Running) {
			t.Errorf("%q became %+v", raw, task)
		}
		if id, is := bson.Raw(raw).Lookup("_id").AsInt64OK(); err != nil && is && !errors.Is(err, errDamaged) {
			t.Errorf("task %d: %v", id, err)
		}
	})
}
