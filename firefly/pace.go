package firefly

import "time"

// A pace is how long the latest handlers took, on average. The worker's mutex guards it.
type pace struct {
	average time.Duration
	known   bool
}

// prefetchFor is how much work a worker may hold beside what it runs.
const prefetchFor = 50 * time.Millisecond

// note counts one more handler. The average leans on the last ten or so.
func (p *pace) note(took time.Duration) {
	if !p.known {
		p.average, p.known = took, true
		return
	}
	p.average += (took - p.average) / 8
}

// prefetch returns how many tasks that many slots get through in prefetchFor: none, if one takes
// longer than that. So slow tasks are left to workers that have a free slot.
func (p *pace) prefetch(slots int) int {
	switch {
	case !p.known || p.average > prefetchFor:
		return 0
	case p.average <= 0:
		return mostPrefetched
	default:
		return int(min(int64(slots)*int64(prefetchFor/p.average), mostPrefetched))
	}
}

const mostPrefetched = 1000
