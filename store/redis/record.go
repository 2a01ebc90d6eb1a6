package redis

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// idText is an id as keys and members have it: it sorts as the number does.
func idText(id int64) string {
	const digits = 13
	text := strconv.FormatInt(id, 16)
	return "0000000000000"[min(len(text), digits):] + text
}

func parseID(text string) (int64, error) { return strconv.ParseInt(text, 16, 64) }

// lane is where a task waits.
func lane(queue string, priority int) string { return strconv.Itoa(priority) + ":" + queue }

// The rest of a record, which only this program reads: numbers and lengths as text, then bytes.
// Params and Meta may be none, which is a length of -1.

func restOf(n *store.NewTask) []byte { return appendRest(nil, n) }

// recordOf is what the script insert takes of a record: without a key.
func recordOf(n *store.NewTask) []byte {
	b := make([]byte, 0, 100+len(n.Name)+len(n.Encoding)+len(n.Params))
	b = append(b, n.Name...)
	return appendRest(append(b, 0, 0), n)
}

func appendRest(b []byte, n *store.NewTask) []byte {
	meta := []byte(nil)
	if n.Meta != nil {
		meta, _ = json.Marshal(n.Meta) // strings always marshal
	}
	b = append(b, n.Encoding...)
	for _, number := range []int64{
		int64(n.MaxRetries), int64(n.RetryDelay), int64(n.Timeout), length(meta), length(n.Params),
	} {
		b = append(b, 0)
		b = strconv.AppendInt(b, number, 10)
	}
	b = append(b, 0)
	b = append(b, meta...)
	return append(b, n.Params...)
}

func length(b []byte) int64 {
	if b == nil {
		return -1
	}
	return int64(len(b))
}

var errDamaged = errors.New("the record is damaged")

// readRecord fills a task from its record and its state.
func readRecord(t *store.Task, record, state string) error {
	parts := strings.SplitN(record, "\x00", 12)
	if len(parts) != 12 {
		return errDamaged
	}
	var numbers [7]int64
	for i, part := range []string{parts[0], parts[1], parts[6], parts[7], parts[8], parts[9], parts[10]} {
		var err error
		if numbers[i], err = strconv.ParseInt(part, 10, 64); err != nil {
			return errDamaged
		}
	}
	priority, queue, ok := strings.Cut(parts[2], ":")
	if !ok {
		return errDamaged
	}
	var err error
	if t.Priority, err = strconv.Atoi(priority); err != nil {
		return errDamaged
	}
	t.Created, t.Due = fromMicros(numbers[0]), fromMicros(numbers[1])
	t.Queue, t.Name, t.UniqueKey, t.Encoding = queue, parts[3], parts[4], parts[5]
	t.MaxRetries, t.RetryDelay, t.Timeout = int(numbers[2]), time.Duration(numbers[3]), time.Duration(numbers[4])
	rest, metaLength, paramsLength := parts[11], numbers[5], numbers[6]
	if int64(len(rest)) != max(0, metaLength)+max(0, paramsLength) {
		return errDamaged
	}
	if metaLength >= 0 {
		if err := json.Unmarshal([]byte(rest[:metaLength]), &t.Meta); err != nil {
			return errDamaged
		}
		rest = rest[metaLength:]
	}
	if paramsLength >= 0 {
		t.Params = []byte(rest)
	}
	return readState(t, state)
}

// readState fills in what is kept of a task that was given back.
func readState(t *store.Task, state string) (err error) {
	if state == "" {
		return nil
	}
	parts := strings.SplitN(state, "\x00", 4)
	if len(parts) != 4 {
		return errDamaged
	}
	t.Retries, err = strconv.Atoi(parts[0])
	if err == nil {
		t.Crashes, err = strconv.Atoi(parts[1])
	}
	if err == nil && parts[2] != "" {
		t.Due, err = parseMicros(parts[2])
	}
	if err != nil {
		return errDamaged
	}
	if parts[3] == "" {
		return nil
	}
	var history [][3]string
	if err := json.Unmarshal([]byte(parts[3]), &history); err != nil {
		return errDamaged
	}
	for _, h := range history {
		e := store.AttemptError{Text: h[2]}
		if e.Attempt, err = strconv.Atoi(h[0]); err == nil {
			e.At, err = parseMicros(h[1])
		}
		if err != nil {
			return errDamaged
		}
		t.Errors = append(t.Errors, e)
	}
	return nil
}

// endings are the statuses by their first letter in a record of how a task ended.
var endings = map[byte]store.Status{'c': store.Completed, 'f': store.Failed, 'x': store.Cancelled}

// readEnding fills in how a task ended: its status, when, 16 bytes of lease, and a result or '-'.
func readEnding(t *store.Task, ending string) (err error) {
	const least = 1 + 16 + 16 + 1
	if len(ending) < least {
		return errDamaged
	}
	if t.Status = endings[ending[0]]; !t.Status.Terminal() {
		return errDamaged
	}
	if t.Finished, err = parseMicros(strings.TrimLeft(ending[1:17], "0")); err != nil {
		return errDamaged
	}
	if ending[33] == '+' {
		t.Returned = []byte(ending[34:])
	}
	return nil
}

func parseMicros(text string) (time.Time, error) {
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		score, err := strconv.ParseFloat(text, 64)
		if err == nil && !(math.Abs(score) < math.MaxInt64) {
			err = strconv.ErrRange
		}
		return fromMicros(int64(score)), err
	}
	return fromMicros(at), nil
}

func fromMicros(at int64) time.Time { return time.UnixMicro(at).UTC() }

// micros converts a duration, rounded up.
func micros(d time.Duration) int64 {
	up := int64(0)
	if d%time.Microsecond > 0 {
		up = 1
	}
	return int64(d/time.Microsecond) + up
}
