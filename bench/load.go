package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A load is what the tasks of a case are like, how many there are, and who runs them. Its zero value is
// one worker, and tasks of one queue that have about 100 bytes of JSON, do nothing, and return nothing.
type load struct {
	tasks    int           // at scale 1
	bytes    int           // of arguments
	result   int           // bytes that each task returns, which are kept
	queues   int           // that tasks are spread over, and each worker serves
	priority bool          // tasks have one of three priorities
	unique   bool          // each task has a key
	handler  time.Duration // that each task waits
	servers  int           // how many workers there are, each with connections of its own
	pools    int           // how many workers share those
	beside   content       // what else is in the tables
	others   int           // how many of it there are, at scale 1
}

// A job is a task as the systems are given it.
type job struct {
	params   params
	queue    string
	priority int    // -1, 0 or 1; the higher runs first
	unique   string // a key, if it is not empty
	result   bool   // it returns what is to be kept
	delay    time.Duration
}

const defaultQueue = "default"

// params are the arguments of every task.
type params struct {
	Sent    int64  `json:"sent"` // when it was scheduled, in nanoseconds since 1970
	Number  int64  `json:"number"`
	Padding string `json:"padding"`
}

// sample is the JSON of params.
var sample = []byte(`{"sent":1795418270000000000,"number":12345,"padding":"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr"}`)

// json is what p is for a bare loop, and read its reverse.
func (p params) json() []byte {
	text, _ := json.Marshal(p) // it always marshals
	return text
}

func read(text []byte) (p params) {
	if err := json.Unmarshal(text, &p); err != nil {
		panic(err) // it is what json wrote
	}
	return p
}

// age is how long ago the task was scheduled.
func (p params) age() time.Duration { return time.Duration(time.Now().UnixNano() - p.Sent) }

const alphabet = "abcdefghijklmnopqrstuvwxyz"

// padding makes the JSON of params as long as l wants it.
func (l *load) padding() string {
	const rest = 62 // bytes of it that are no padding
	return text(max(l.bytes, 105) - rest)
}

func text(bytes int) string { return strings.Repeat(alphabet, bytes/len(alphabet)+1)[:bytes] }

// names are the queues'.
func (l *load) names() []string {
	if l.queues <= 1 {
		return []string{defaultQueue}
	}
	all := make([]string, l.queues)
	for i := range all {
		all[i] = fmt.Sprintf("queue-%d", i)
	}
	return all
}

// jobs makes those with the numbers from first on.
func (t *trial) jobs(first int64, n int) []job {
	all := make([]job, n)
	for i := range all {
		number := first + int64(i)
		j := job{
			params: params{time.Now().UnixNano(), number, t.padding},
			queue:  t.queues[number%int64(len(t.queues))],
			result: t.load.result > 0,
		}
		if t.load.priority {
			j.priority = int(number/int64(len(t.queues))%3) - 1
		}
		if t.load.unique {
			j.unique = fmt.Sprintf("key-%d", number)
		}
		all[i] = j
	}
	return all
}

// later makes jobs that are due tomorrow.
func later(n int) []job {
	all := make([]job, n)
	for i := range all {
		all[i] = job{params: params{time.Now().UnixNano(), int64(i), text(43)}, queue: defaultQueue, delay: 24 * time.Hour}
	}
	return all
}
