package storetest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

var modelCases = []testCase{{
	name: "ModelRandomWalk", rule: 6, run: modelRandomWalk,
	says: "whatever is done in whatever order, stale and repeated calls included, the store answers as a plain list would",
}}

// walkSteps is the length of the walk that every run takes; walkSeed is where it starts.
const (
	walkSteps = 600
	walkSeed  = 1
)

func modelRandomWalk(t *T) { t.walk(walkSeed, walkSteps) }

// Walk takes n random steps in the store, in lockstep with a plain model: insertions, claims,
// verdicts and administration, stale and repeated calls included. The walk is the same for the
// same seed, and that of fewer steps is its beginning: so one that fails says how to repeat it
// up to the step that fails. [Run] includes a walk; this is for longer ones.
func Walk(t *testing.T, h Harness, seed uint64, n int) {
	t.Helper()
	c := modelCases[0]
	c.run = func(t *T) { t.walk(seed, n) }
	c.check(t, h, false)
}

// steps that a walk is made of, with how often each comes.
var walkCalls = []struct {
	call string
	odds int
	do   func(w *walker, s Step)
}{
	{"insert", 24, (*walker).insert},
	{"insertAgain", 4, (*walker).insertAgain},
	{"claim", 18, (*walker).claim},
	{"claimAgain", 4, (*walker).claimAgain},
	{"complete", 12, (*walker).complete},
	{"fail", 6, (*walker).fail},
	{"reschedule", 12, (*walker).reschedule},
	{"advance", 6, (*walker).advance},
	{"extend", 4, (*walker).extend},
	{"cancel", 5, (*walker).cancel},
	{"retry", 3, (*walker).retry},
	{"setDue", 5, (*walker).setDue},
	{"remove", 2, (*walker).remove},
	{"inTx", 6, (*walker).inTx},
	{"reopen", 1, (*walker).reopen},
}

func newSteps(seed uint64, n int) []Step {
	rng := rand.New(rand.NewPCG(seed, 0))
	urn := Calls()
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = Step{urn[rng.IntN(len(urn))], rng.Uint32(), rng.Uint32()}
	}
	return steps
}

// A walker takes the same steps in the store and in the model, and compares.
type walker struct {
	*T
	model
	began    time.Time       // on the store's clock, when the model's was zero
	inserted []store.NewTask // as they came back from Insert, with ids
	pairs    []walkPair      // every task that was ever claimed, with its lease: most are stale
	taken    int             // steps
}

type walkPair struct {
	task  *modelTask
	lease *modelLease
}

// walk takes n steps. If one goes wrong, it prints how to repeat those up to there.
func (t *T) walk(seed uint64, n int) {
	w := newWalker(t)
	steps := newSteps(seed, n)
	defer func() {
		if t.Failed() {
			t.Logf("the walk failed at its last step; to repeat it:\n\tstoretest.Walk(t, harness, %d, %d)\nIts last steps were %v",
				seed, w.taken, steps[max(0, w.taken-10):w.taken])
		}
	}()
	w.take(steps)
}

func newWalker(t *T) *walker { return &walker{T: t, began: t.storeNow()} }

// take takes steps. An error ends it at the step that went wrong.
func (w *walker) take(steps []Step) {
	for _, s := range steps {
		w.taken++
		for _, c := range walkCalls {
			if c.call == s.Call {
				c.do(w, s)
			}
		}
	}
	w.compare(w.all)
}

// pick chooses an item by a number.
func pick[E any](from []E, by uint32) E { return from[int(by)%len(from)] }

// halfMinutes converts the model's time.
func halfMinutes(n int) time.Duration { return time.Duration(n) * 30 * time.Second }

func (w *walker) insert(s Step) {
	n := newTask(withName(pick([]string{nameA, nameB}, s.A)), withQueue(pick([]string{queueA, queueB}, s.A>>1)),
		withPriority(int(s.A>>2%5)-2), withParams(strconv.FormatUint(uint64(s.B), 10)))
	if s.A>>5%2 == 0 {
		n.UniqueKey, n.Replace = pick([]string{"k1", "k2", "k3"}, s.A>>6), s.A>>8%2 == 0
	}
	due := w.now
	if late := int(s.B % 4); late > 0 {
		n.Delay = halfMinutes(2*late - 1)
		due += 2*late - 1
	}
	w.insertTask(n, due)
}

// insertAgain repeats an insertion, with the id that it got. The task may have been refused for
// its key then, or be finished, but not deleted: a deleted one may come back.
func (w *walker) insertAgain(s Step) {
	if len(w.inserted) == 0 {
		return
	}
	n := pick(w.inserted, s.A)
	if t := w.find(n.ID); t != nil && !t.forgotten(&w.model) {
		w.insertTask(n, t.due)
	}
}

func (w *walker) insertTask(n store.NewTask, due int) {
	w.Helper()
	existing, want := w.model.insert(n, due)
	tasks := []store.NewTask{n}
	out, err := w.store.Insert(w.Context(), tasks)
	w.ok(err, "insert")
	got := out[0]
	if got.Outcome != want || existing != nil && got.ID != existing.id {
		w.Fatalf("insert of %+v returned %+v, want outcome %d of %+v", n, got, want, existing)
	}
	if existing == nil {
		if w.find(got.ID) != nil || got.ID <= 0 || tasks[0].ID != got.ID {
			w.Fatalf("insert gave the id %d, and said %d", tasks[0].ID, got.ID)
		}
		w.add(got.ID, n, due)
		w.inserted = append(w.inserted, tasks[0])
	}
	w.compare([]*modelTask{w.find(got.ID)})
}

func (w *walker) claim(s Step) {
	c := newClaim(int(s.A % 5))
	c.For = halfMinutes(2*int(s.A>>3%3) + 3)
	if s.B%3 == 0 {
		c.Queues = pick([][]string{{queueA}, {queueB}, {queueB, queueA}}, s.B>>2)
	}
	if s.B%5 == 0 {
		c.Names = []string{pick([]string{nameA, nameB}, s.B>>4)}
	}
	due := w.claimable(&c)
	want := due[:min(c.Limit, len(due))]
	l := &modelLease{claim: c, end: w.now + int(c.For/(30*time.Second))}
	got := w.claimAs(c)
	if len(got) != len(want) {
		w.Fatalf("claimed %d tasks, want %d", len(got), len(want))
	}
	for i, task := range got {
		t := w.find(task.ID)
		if t == nil || !slices.Contains(due, t) || t.rank(want[i], &c) != 0 {
			w.Fatalf("claimed task %d in place %d, want one like %+v", task.ID, i, want[i])
		}
		t.status, t.lease = store.Running, l
		w.pairs = append(w.pairs, walkPair{t, l})
		w.same(task, t)
	}
	if len(got) > 0 {
		w.leases = append(w.leases, l)
	}
}

func (w *walker) claimAgain(s Step) {
	if len(w.leases) == 0 {
		return
	}
	l := pick(w.leases, s.A)
	if l.end+forgetAfter < w.now {
		return // a store may have forgotten it
	}
	got := idsOf(w.claimAs(l.claim))
	var want []int64
	for _, t := range w.held(l) {
		want = append(want, t.id)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		w.Fatalf("a repeated claim returned tasks %v, want those that the lease still holds: %v", got, want)
	}
}

// advance moves the clock, less what it ran on by itself, and lets the store take back what it
// may take back late.
func (w *walker) advance(s Step) {
	w.now += 2 * (1 + int(s.A%3))
	w.T.advance(w.began.Add(halfMinutes(w.now)).Sub(w.storeNow()))
	for range w.takeBack() {
		w.claimAs(onlyTakesBack())
	}
}

// verdict ends the walk unless a call's error is what the model says.
func (w *walker) verdict(err error, accepted bool, doing string, p walkPair) {
	w.Helper()
	switch {
	case accepted && err != nil:
		w.Fatalf("%s of %+v: %v", doing, p.task, err)
	case !accepted && !errors.Is(err, store.ErrLeaseLost):
		w.Fatalf("%s of %+v under a lease that ends at %d: error %v, want %v", doing, p.task, p.lease.end, err, store.ErrLeaseLost)
	}
	w.compare([]*modelTask{p.task})
}
