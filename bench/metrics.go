package main

// The metrics.
const (
	rate      = "tasks/s"
	loaded    = "inserted tasks/s"
	clientCPU = "client CPU s/1,000"
	serverCPU = "server CPU s/1,000"
	totalCPU  = "all CPU s/1,000"
	journal   = "WAL or AOF bytes/task"
	trips     = "round trips/1,000"
	heap      = "client peak MB"
	p50       = "pick-up p50 ms"
	p99       = "pick-up p99 ms"
	idleCPU   = "idle CPU %"
	waiting   = "memory bytes/scheduled task"
	ended     = "memory bytes/finished task"
	slot      = "worker bytes/task that runs"
	kept      = "% of empty tables' rate"
	heapEnd   = "client MB at the end"
	heapGrown = "client MB, % of those at half time"
	diskEnd   = "stored MB at the end"
	diskGrown = "stored MB, % of those at half time"
)

// moreIsBetter reports what a metric aims at.
func moreIsBetter(metric string) bool { return metric == rate || metric == loaded || metric == kept }

// What a case reports. Of several settings the best is the one that is best in the first metric.
var (
	costs    = []string{rate, clientCPU, serverCPU, totalCPU, journal, trips}
	whole    = []string{rate, loaded, totalCPU, journal, trips}
	growth   = []string{rate, totalCPU, heap}
	besides  = []string{rate, kept, totalCPU}
	pickUp   = []string{p99, p50, idleCPU}
	steady   = []string{p99, p50, totalCPU}
	soaked   = []string{p99, p50, totalCPU, heapEnd, heapGrown, diskEnd, diskGrown}
	written  = []string{journal}
	inMemory = []string{waiting, ended}
	perSlot  = []string{slot}
)
