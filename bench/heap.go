package main

import (
	"runtime/metrics"
	"time"
)

// watchHeap looks, every few milliseconds until peak is called, how large the heap of this process is,
// the objects included that are not collected yet.
func watchHeap() (peak func() float64) {
	const every = 10 * time.Millisecond
	end, most := make(chan struct{}), make(chan float64)
	go func() {
		at := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(every)
		defer tick.Stop()
		largest := uint64(0)
		for {
			metrics.Read(at)
			largest = max(largest, at[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-end:
				most <- float64(largest)
				return
			}
		}
	}()
	return func() float64 { close(end); return <-most }
}
