package mongo

import (
	"context"
	"sync"
	"time"
)

const (
	clockLasts   = 10 * time.Second     // before it is measured again
	clockSamples = 4                    // at most, of one measurement
	clockGood    = time.Millisecond / 2 // uncertainty beyond the server's own resolution that is good enough
	clockStep    = 100 * time.Millisecond
	clockDrift   = 5000 // one part in so many may one machine's clock run away from another's
)

// resolution is that of the time in a server's answer to hello.
const resolution = time.Millisecond

// A clock knows the server's time within bounds, from what the server last said and the time that
// passed on this machine since. A server takes its time into few of the commands that the store needs
// it in, so it is asked for, and put into all of them.
type clock struct {
	mu       sync.Mutex
	at       time.Time     // when it was measured; with it the bounds hold
	low      time.Duration // what has to be added to this machine's clock, at least
	high     time.Duration // and at most
	earliest time.Time     // that was ever returned
}

// An instant is the server's time, in microseconds: no sooner than early, no later than late. A task
// is due only if it is so early; what begins now has begun late.
type instant struct{ early, late int64 }

// now returns the time.
func (s *Store) now(ctx context.Context) (instant, error) {
	c := &s.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stale() {
		if err := c.measure(ctx, s.hello); err != nil {
			return instant{}, s.reading(err)
		}
	}
	passed := time.Since(c.at)
	local, drift := c.at.Add(passed), passed/clockDrift
	early, late := local.Add(c.low-drift), local.Add(c.high+drift)
	if early.Before(c.earliest) {
		early = c.earliest
	}
	if late.Before(early) {
		late = early
	}
	c.earliest = early
	offset := s.offset()
	return instant{early.Add(offset).UnixMicro(), late.Add(offset).UnixMicro() + 1}, nil
}

// stale reports whether the bounds are too old, or this machine's clocks disagree on how old they
// are: it was asleep, or its clock was set.
func (c *clock) stale() bool {
	if c.at.IsZero() {
		return true
	}
	now := time.Now()
	passed := now.Sub(c.at)
	return passed > clockLasts || (now.Round(0).Sub(c.at.Round(0))-passed).Abs() > clockStep
}

// measure asks the server for its time. Each answer was given between the question and its arrival,
// so its bounds hold, and of several all hold.
func (c *clock) measure(ctx context.Context, ask func(context.Context) (hello, error)) error {
	var low, high time.Duration
	began := time.Now()
	local := func() time.Time { return began.Add(time.Since(began)) } // goes on steadily, even if the clock is set
	for i := range clockSamples {
		asked := local()
		h, err := ask(ctx)
		if err != nil {
			return err
		}
		answered := local()
		least, most := h.Time.Time().Sub(answered), h.Time.Time().Add(resolution).Sub(asked)
		if i == 0 {
			low, high = least, most
		} else if least = max(low, least); least <= min(high, most) {
			low, high = least, min(high, most)
		} else { // the server's clock was set, or another server answers
			low, high = h.Time.Time().Sub(answered), most
		}
		if high-low < resolution+clockGood {
			break
		}
	}
	c.at, c.low, c.high = began, low, high
	return nil
}

// fromMicros is the reverse of [time.Time.UnixMicro]; zero is never.
func fromMicros(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return time.UnixMicro(at).UTC()
}

// micros are a duration in microseconds, rounded up.
func micros(d time.Duration) int64 {
	n := d.Microseconds()
	if d%time.Microsecond > 0 {
		n++
	}
	return n
}
