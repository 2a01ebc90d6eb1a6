package memory

import "time"

// A fifo is a queue of finished rows, in the order in which they finished. A row may have left
// that state meanwhile, or entered it again.
type fifo struct{ in, out []finish }

type finish struct {
	row *row
	at  time.Time
}

func (f *fifo) push(r *row) { f.in = append(f.in, finish{r, r.Finished}) }

// first returns the oldest entry.
func (f *fifo) first() (r *row, at time.Time, ok bool) {
	if len(f.out) == 0 {
		f.out, f.in = f.in, nil
	}
	if len(f.out) == 0 {
		return nil, at, false
	}
	return f.out[0].row, f.out[0].at, true
}

// drop removes the entry that first returned.
func (f *fifo) drop() {
	f.out[0] = finish{}
	f.out = f.out[1:]
}
