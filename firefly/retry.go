package firefly

import (
	"math/rand/v2"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A Backoff computes the time before a retry from the number of failed runs so far, from 1. It
// is called concurrently. What it returns is clamped to between zero and a year; if it panics,
// the task's RetryDelay is used.
type Backoff func(failures int) time.Duration

// longestDelay is what computed delays are clamped to.
const longestDelay = 365 * 24 * time.Hour

// Exponential doubles the delay with each failure: min(longest, base * 2^(failures-1)), of
// which a random part of up to a half is taken off, so that tasks that failed together do not
// all come back together. It does not overflow at any count.
func Exponential(base, longest time.Duration) Backoff {
	return func(failures int) time.Duration {
		d := doubled(base, longest, failures)
		if d < 2 {
			return d
		}
		return d - rand.N(d/2)
	}
}

// doubled returns min(longest, base * 2^(failures-1)) without overflow.
func doubled(base, longest time.Duration, failures int) time.Duration {
	if base <= 0 {
		return 0
	}
	d := base
	for range failures - 1 {
		if d > longest-d {
			return longest
		}
		d *= 2
	}
	return min(d, longest)
}

// delayAfter returns the time until the retry of a task that just failed once more.
func (s *settings) delayAfter(t *store.Task) (d time.Duration) {
	if s.backoff == nil {
		return clampDelay(t.RetryDelay)
	}
	defer func() {
		if recover() != nil {
			d = clampDelay(t.RetryDelay)
		}
	}()
	return clampDelay(s.backoff(t.Retries + 1))
}

func clampDelay(d time.Duration) time.Duration { return min(max(d, 0), longestDelay) }
