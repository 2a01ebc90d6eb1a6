package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
)

// Get implements [store.Getter].
func (s *Store) Get(ctx context.Context, ids []int64) ([]store.Task, error) {
	tasks, _, err := s.get(ctx, ids)
	return tasks, err
}

// get also returns the server's time.
func (s *Store) get(ctx context.Context, ids []int64) (tasks []store.Task, now time.Time, err error) {
	var lists [][]any
	for first := 0; first == 0 || first < len(ids); first += mostItems {
		args := s.arguments()
		for _, id := range ids[first:min(first+mostItems, len(ids))] {
			args = append(args, idText(id))
		}
		lists = append(lists, args)
	}
	answers, err := s.run(ctx, &s.scripts.get, lists...)
	if err != nil {
		return nil, now, store.Definite(err) // it changes nothing
	}
	for _, answer := range answers {
		if len(answer)%8 != 1 {
			return nil, now, errAnswer
		}
		text, _ := answer[0].(string)
		if now, err = parseMicros(text); err != nil {
			return nil, now, errAnswer
		}
		for a := 1; a < len(answer); a += 8 {
			t, err := readTask(answer[a : a+8])
			if err != nil {
				return nil, now, store.Definite(fmt.Errorf("redis: task %v: %w", answer[a], err))
			}
			tasks = append(tasks, t)
		}
	}
	return tasks, now, nil
}

// readTask reads what the script get says of a task.
func readTask(answer []any) (t store.Task, err error) {
	var f [8]string
	for i, a := range answer {
		f[i], _ = a.(string)
	}
	if t.ID, err = parseID(f[0]); err != nil {
		return t, errDamaged
	}
	if err := readRecord(&t, f[1], f[2]); err != nil {
		return t, err
	}
	switch ending, lease := f[3], f[4]; {
	case ending != "":
		return t, readEnding(&t, ending)
	case lease != "":
		t.Status, t.Worker, t.CancelRequested = store.Running, f[6], f[7] == "1"
		copy(t.Lease[:], lease)
		t.LeaseEnd, err = parseMicros(f[5])
		return t, err
	default:
		t.Status = store.Created
		return t, nil
	}
}

// defaultPage is the limit of a page that sets none.
const defaultPage = 100

// List implements [store.Lister]. It walks through the tasks by their ids, and reads those that it
// passes over, too: what a filter leaves out costs as much as what it lets through.
func (s *Store) List(ctx context.Context, f store.Filter, p store.Page) (tasks []store.Task, err error) {
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	err = s.walk(ctx, &f, p.After, p.Newest, func(some []store.Task) (bool, error) {
		tasks = append(tasks, some...)
		return len(tasks) < p.Limit, nil
	})
	if err != nil {
		return nil, err
	}
	return tasks[:min(len(tasks), p.Limit)], nil
}

// walk calls see with the tasks that match, in the order of their ids, some at a time, until it says
// that it is enough.
func (s *Store) walk(
	ctx context.Context, f *store.Filter, after int64, newest bool, see func(some []store.Task) (more bool, err error),
) error {
	beyond := func(id int64) bool { return after == 0 || newest && id < after || !newest && id > after }
	pages := s.shards
	if f.IDs != nil {
		pages = func(_ context.Context, _ int64, _ bool, visit func(ids []int64) (bool, error)) error {
			_, err := visit(slices.Compact(slices.Sorted(slices.Values(f.IDs))))
			return err
		}
	}
	return pages(ctx, after, newest, func(ids []int64) (bool, error) {
		ids = slices.DeleteFunc(ids, func(id int64) bool { return !beyond(id) })
		slices.Sort(ids)
		if newest {
			slices.Reverse(ids)
		}
		for some := range slices.Chunk(ids, mostItems) {
			tasks, now, err := s.get(ctx, some)
			if err != nil {
				return false, err
			}
			tasks = slices.DeleteFunc(tasks, func(t store.Task) bool { return !matches(f, &t, now) })
			if len(tasks) == 0 {
				continue
			}
			if more, err := see(tasks); !more || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// shardSize is how many ids share a shard: those with the first ten digits in common.
const shardSize = 1 << 12

// shards visits the ids of each shard, in the order of the shards.
func (s *Store) shards(ctx context.Context, after int64, newest bool, visit func(ids []int64) (bool, error)) error {
	var last int64
	err := s.reading(ctx, func(node *goredis.Client) error {
		text, err := node.Get(ctx, s.key("id")).Result()
		if err == goredis.Nil { //nolint:errorlint // it is returned as it is
			return nil
		}
		if err == nil {
			last, err = strconv.ParseInt(text, 10, 64)
		}
		return err
	})
	if err != nil {
		return err
	}
	first, end, step := after/shardSize, last/shardSize, int64(1)
	if newest {
		first, end, step = last/shardSize, 0, -1
		if after > 0 {
			first = min(first, after/shardSize)
		}
	}
	for shard := first; step > 0 && shard <= end || step < 0 && shard >= end; shard += step {
		ids, err := s.shard(ctx, shard)
		if err != nil {
			return err
		}
		if more, err := visit(ids); !more || err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) shard(ctx context.Context, shard int64) (ids []int64, err error) {
	err = s.reading(ctx, func(node *goredis.Client) error {
		texts, err := node.HKeys(ctx, s.key("t:"+idText(shard * shardSize)[:10])).Result()
		ids = make([]int64, 0, len(texts))
		for _, text := range texts {
			id, bad := parseID(text)
			if bad != nil {
				return errDamaged
			}
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}

// matches reports whether a task meets the conditions of a filter.
func matches(f *store.Filter, t *store.Task, now time.Time) bool {
	since := t.Finished
	if since.IsZero() {
		since = t.Created
	}
	return (f.Statuses == nil || slices.Contains(f.Statuses, t.Status)) &&
		(f.Queues == nil || slices.Contains(f.Queues, t.Queue)) &&
		(f.Names == nil || slices.Contains(f.Names, t.Name)) &&
		(f.ErrorText == "" || len(t.Errors) > 0 && strings.Contains(t.Errors[len(t.Errors)-1].Text, f.ErrorText)) &&
		(f.OlderThan <= 0 || !since.After(now.Add(-f.OlderThan)))
}

// Counts implements [store.Counter].
func (s *Store) Counts(ctx context.Context) (counts []store.QueueCounts, err error) {
	byQueue := map[string]*store.QueueCounts{}
	of := func(queue string) *store.QueueCounts {
		if byQueue[queue] == nil {
			byQueue[queue] = &store.QueueCounts{Queue: queue}
		}
		return byQueue[queue]
	}
	paused, err := s.Paused(ctx)
	if err != nil {
		return nil, err
	}
	for _, queue := range paused {
		of(queue).Paused = true
	}
	var numbers map[string]string
	err = s.reading(ctx, func(node *goredis.Client) (err error) {
		numbers, err = node.HGetAll(ctx, s.key("n")).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	for key, text := range numbers {
		status, queue, _ := strings.Cut(key, ":")
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, store.Definite(errDamaged)
		}
		switch c := of(queue); status {
		case "created":
			c.Created = n
		case "running":
			c.Running = n
		case "c":
			c.Completed = n
		case "f":
			c.Failed = n
		default:
			c.Cancelled = n
		}
	}
	for _, c := range byQueue {
		counts = append(counts, *c)
	}
	slices.SortFunc(counts, func(a, b store.QueueCounts) int { return strings.Compare(a.Queue, b.Queue) })
	return counts, nil
}
