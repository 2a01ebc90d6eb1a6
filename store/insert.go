package store

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds that every store keeps. They are generous: clients have their own, lower cap.
const (
	MaxPayload  = 16 << 20 // bytes of Params, or of Returned
	MaxMeta     = 16 << 10 // bytes of all keys and values of Meta together
	MaxName     = 200      // characters of a name, queue, unique key, encoding or worker
	MinPriority = -2
	MaxPriority = 2
)

// A NewTask is a task to insert.
type NewTask struct {
	ID int64 // zero for a new task; set by Insert; any other marks a repeat

	Name     string
	Queue    string
	Priority int

	Encoding string
	Params   []byte
	Meta     map[string]string

	// The task is due at ETA, or if that is zero, Delay after now on the store's clock: see [When].
	ETA   time.Time
	Delay time.Duration

	MaxRetries int
	RetryDelay time.Duration
	Timeout    time.Duration // zero is none

	// At most one live task holds a UniqueKey at a time; empty is no key. Replace says what
	// happens when another task holds it: see [Existing] and [Replaced].
	UniqueKey string
	Replace   bool
}

// When is when the task is to be due.
func (t *NewTask) When() When { return When{ETA: t.ETA, Delay: t.Delay} }

// Clone returns a deep copy.
func (t *NewTask) Clone() NewTask {
	c := *t
	c.Params = slices.Clone(t.Params)
	c.Meta = maps.Clone(t.Meta)
	return c
}

// An Inserted says what became of a new task.
type Inserted struct {
	ID      int64 // of the task that now stands for the new one: its own, or the key's holder
	Outcome Outcome
	Created time.Time // zero inside a transaction that does not know it yet, and unless Stored
	Due     time.Time // as Created
}

// An Outcome of an insertion.
type Outcome uint8

const (
	// Stored: the task is stored, now or by the call that this one repeats.
	Stored Outcome = iota
	// Existing: another live task holds the unique key. Nothing was stored or changed.
	Existing
	// Replaced: another task held the unique key and was not running. It kept its id and took
	// over Params, Encoding, Meta, ETA or Delay, Priority, MaxRetries, RetryDelay and Timeout.
	// Its name and queue stay: with another name or queue the outcome is Existing.
	Replaced
)

// Validate reports every fault of the task in one error that matches [ErrInvalid], and also
// [ErrTooLarge] if it has an oversized part. Stores call it before they write.
func (t *NewTask) Validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	check := func(what, s string) {
		if err := CheckName(s); err != nil {
			fault("%s %w", what, err)
		}
	}
	check("name", t.Name)
	check("queue", t.Queue)
	check("encoding", t.Encoding)
	if t.UniqueKey != "" {
		if err := checkText(t.UniqueKey); err != nil {
			fault("unique key %w", err)
		}
	}
	if t.Priority < MinPriority || t.Priority > MaxPriority {
		fault("priority %d is not between %d and %d", t.Priority, MinPriority, MaxPriority)
	}
	if t.MaxRetries < 0 || t.MaxRetries > math.MaxInt32 {
		fault("max retries %d is not between 0 and %d", t.MaxRetries, math.MaxInt32)
	}
	for _, d := range []struct {
		what  string
		value time.Duration
	}{{"retry delay", t.RetryDelay}, {"timeout", t.Timeout}} {
		if d.value < 0 {
			fault("%s %s is negative", d.what, d.value)
		}
	}
	faults = append(faults, t.When().faults()...)
	if t.ID < 0 {
		fault("id %d is negative", t.ID)
	}
	if err := checkSize("params", len(t.Params), MaxPayload); err != nil {
		faults = append(faults, err)
	}
	if err := t.checkMeta(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) == 0 {
		return nil // as nearly always, so the text below is not made
	}
	return Invalid("task "+quoteShort(t.Name), faults...)
}

func (t *NewTask) checkMeta() error {
	size := 0
	for k, v := range t.Meta {
		size += len(k) + len(v)
		if !plainText(k) || !plainText(v) {
			return fmt.Errorf("meta %s holds a NUL or invalid UTF-8", quoteShort(k))
		}
	}
	return checkSize("meta", size, MaxMeta)
}

// CheckReturned returns an error that matches [ErrTooLarge] if a result is larger than
// [MaxPayload]. Stores call it before they write.
func CheckReturned(b []byte) error { return checkSize("returned", len(b), MaxPayload) }

// Validate reports every fault of the claim in one error that matches [ErrInvalid]. Stores
// call it before they claim.
func (c *Claim) Validate() error {
	var faults []error
	if c.Lease.IsZero() {
		faults = append(faults, errors.New("the lease id is zero"))
	}
	if c.For <= 0 {
		faults = append(faults, fmt.Errorf("a lease for %s is not positive", c.For))
	}
	if c.Worker != "" {
		if err := checkText(c.Worker); err != nil {
			faults = append(faults, fmt.Errorf("worker %w", err))
		}
	}
	return Invalid("claim", faults...)
}

// CheckName reports whether s can name a task, a queue or an encoding: 1 to [MaxName]
// characters, each a letter or digit of any script or one of . _ - : / @ + #.
func CheckName(s string) error {
	if err := checkText(s); err != nil {
		return err
	}
	for _, r := range s {
		if !nameRune(r) {
			return fmt.Errorf("%s holds %q: only letters, digits and . _ - : / @ + # are allowed", quoteShort(s), r)
		}
	}
	return nil
}

func checkText(s string) error {
	switch {
	case s == "":
		return errors.New("is empty")
	case !plainText(s):
		return fmt.Errorf("%s holds a NUL or invalid UTF-8", quoteShort(s))
	case utf8.RuneCountInString(s) > MaxName:
		return fmt.Errorf("%s has %d characters, more than %d", quoteShort(s), utf8.RuneCountInString(s), MaxName)
	}
	return nil
}

func plainText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

func nameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-:/@+#", r)
}

// quoteShort quotes s for an error's text, cut to a length that fits on a line.
func quoteShort(s string) string {
	const most = 40
	if runes := []rune(s); len(runes) > most {
		return strconv.Quote(string(runes[:most])) + "…"
	}
	return strconv.Quote(s)
}
