package mongo

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/fireflytasks/go-firefly/store"
)

// A tally is by how much a call changes the numbers of tasks, by queue and status. It is written as a
// document among the tasks, in the same command as the change itself, and added up later: so counts
// cost no round trip, nobody waits for a counter, and whoever writes may die at any time.
type tally map[string]*numbers

// numbers are of a queue, in the order of statuses.
type numbers [5]int64

var statuses = []store.Status{store.Created, store.Running, store.Completed, store.Failed, store.Cancelled}

func (t tally) add(queue string, status store.Status, n int64) {
	of := t[queue]
	if of == nil {
		of = new(numbers)
		t[queue] = of
	}
	of[slices.Index(statuses, status)] += n
}

// move counts a task that goes from one status to another.
func (t tally) move(queue string, from, to store.Status) {
	t.add(queue, from, -1)
	t.add(queue, to, 1)
}

// sum adds another one, that many times.
func (t tally) sum(other tally, times int64) {
	for queue, ns := range other {
		for i, n := range ns {
			if n != 0 {
				t.add(queue, statuses[i], n*times)
			}
		}
	}
}

// minus returns by how much t is more than other.
func (t tally) minus(other tally) tally {
	diff := tally{}
	diff.sum(t, 1)
	diff.sum(other, -1)
	return diff
}

func (t tally) empty() bool {
	for _, ns := range t {
		if *ns != (numbers{}) {
			return false
		}
	}
	return true
}

// A tallyRecord is a tally as a document.
type tallyRecord struct {
	ID     bson.ObjectID `bson:"_id"`
	Queues []queueRecord `bson:"tally"`
}

type queueRecord struct {
	Queue   string  `bson:"queue"`
	Numbers numbers `bson:"n"`
}

// records are the tally's queues that are not all zero, in the order of their names.
func (t tally) records() []queueRecord {
	all := make([]queueRecord, 0, len(t))
	for queue, ns := range t {
		if *ns != (numbers{}) {
			all = append(all, queueRecord{queue, *ns})
		}
	}
	slices.SortFunc(all, func(a, b queueRecord) int { return strings.Compare(a.Queue, b.Queue) })
	return all
}

func tallyOf(records []queueRecord) tally {
	t := tally{}
	for _, r := range records {
		ns := r.Numbers
		t.sum(tally{r.Queue: &ns}, 1)
	}
	return t
}

// document is what an insertion writes.
func (t tally) document() tallyRecord {
	return tallyRecord{ID: bson.NewObjectID(), Queues: t.records()}
}

// model is what goes along with updates of many: the driver puts those of one kind into one command.
func (t tally) model() *mongo.UpdateManyModel {
	return mongo.NewUpdateManyModel().SetUpsert(true).
		SetFilter(bson.M{"_id": bson.NewObjectID()}).
		SetUpdate(bson.M{"$setOnInsert": bson.M{"tally": t.records()}})
}
