package fireflytest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fireflytasks/go-firefly/store"
)

// differences returns in words what of a stored task is not as wanted.
func differences(want *store.NewTask, got *store.Task) (all []string) {
	differ := func(what string, got, want any) {
		if got != want {
			all = append(all, fmt.Sprintf("%s %v, want %v", what, got, want))
		}
	}
	differ("argument", payload(got.Params), payload(want.Params))
	differ("encoding", got.Encoding, want.Encoding)
	differ("queue", strconv.Quote(got.Queue), strconv.Quote(want.Queue))
	differ("priority", got.Priority, want.Priority)
	differ("unique key", strconv.Quote(got.UniqueKey), strconv.Quote(want.UniqueKey))
	differ("max retries", got.MaxRetries, want.MaxRetries)
	differ("retry delay", got.RetryDelay, want.RetryDelay)
	differ("timeout", got.Timeout, want.Timeout)
	due := got.Created.Add(want.Delay)
	if want.ETA.After(got.Created) {
		due = want.ETA
	}
	if off := got.Due.Sub(due); off.Abs() > resolution {
		all = append(all, fmt.Sprintf("due %s, want %s", at(got.Due, got.Created), at(due, got.Created)))
	}
	return all
}

// resolution is how exact a store's times may be: rounded to come up.
const resolution = time.Millisecond

// at shows a due time with what it is after its task was stored.
func at(due, created time.Time) string {
	return fmt.Sprintf("%s (%s after it was stored)", due.UTC().Format(time.RFC3339Nano), due.Sub(created))
}

// payload shows encoded arguments as text where they are.
func payload(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return hex.EncodeToString(b)
}

func list(words []string) string { return strings.Join(words, "; ") }
