package main

// whys say what stands between Firefly and a target that it has been seen to miss, by store and by what the
// target is about. A target that is met needs none.
var whys = map[[2]string]string{
	{"postgres", "drain, to River's best"}: "Both cores are busy, more than half of them with the server: a task leaves the ready " +
		"ones, joins a lease, and moves to the finished ones. That is as quick as the bare loop of two updates.",
	{"postgres", "CPU seconds for 1,000 tasks that are drained"}: whySlow,
	{"postgres", "pick-up at defaults, median, ms"}:              "A bare INSERT with NOTIFY and a loop that listens take most of it.",
	{"postgres", "pick-up at defaults, 99 %, ms"}:                whySlow,
	{"postgres", "WAL bytes of a task's life"}: "Three rows and their index entries for each task; the last is the finished task, " +
		"which is kept. A bare COPY with two updates writes more.",
	{"postgres", "insertion by 1 goroutine, to River's"}: "An insertion is a round trip and a flush of the WAL: bare INSERTs into a " +
		"narrow table are not three times as quick as River either.",
	{"postgres", "insertion by 16 goroutines, to River's"}: "Sixteen goroutines share statements, which take " +
		"less CPU than bare INSERTs by as many; flushes of the WAL and hand-overs between goroutines take the rest of two cores.",
	{"postgres", "insertion in bulk, to River's COPY"}: "A task is two rows and their index entries, to a bare COPY's one row.",
	{"postgres", "pick-up at half of River's drain rate, 99 %, ms"}: "Who schedules, the worker, the server and its autovacuum share " +
		"two cores: the tail is what waits for one of them.",
	{"postgres", "drain by 16 workers, to one's"}: "Sixteen stores with connections of their own share two cores with the server, " +
		"and each claims and settles less at a time. River loses more.",

	{"redis", "drain, to one asynq server"}: "Redis has one core, the client the other: each takes about ten microseconds for a task, " +
		"the client's mostly for JSON and goroutines.",
	{"redis", "drain, to asynq's best"}: "As above. With four servers asynq keeps both cores busy, too.",
	{"redis", "CPU seconds for 1,000 tasks that are drained"}: "A task's state is in a record, a lane, a lease and counts, all of which " +
		"a script writes. asynq's take more than three times as much.",
	{"redis", "insertion by 1 goroutine, to asynq's"}: "By Redis' own count a script takes 18 microseconds to asynq's 8: it also " +
		"reads the clock, and keeps tasks by the time they are due, counts by queue, and when workers were last woken.",
	{"redis", "insertion by 16 goroutines, to asynq's"}: "Sixteen goroutines share two scripts at once, which take " +
		"less CPU than asynq's sixteen; but client and server, on two cores, wait for each other more.",
	{"redis", "insertion in bulk, to the bare limit"}: "The bare script keeps a list and a hash: no states, counts, order or keys.",
	{"redis", "pick-up at defaults, median, ms"}:      "Four hand-overs between processes, each of which wakes another on one of two cores.",
	{"redis", "memory of a scheduled task, bytes"}: "A hundred bytes are the arguments. The rest is the record, its place in the order, " +
		"and what Redis adds to both.",
	{"redis", "pick-up at defaults, 99 %, ms"}: whyTail,
	{"redis", "drain beside 1 M future tasks, % of alone"}: "The order of those that wait is one sorted set. With a million more in it, " +
		"less of it is in the processor's cache.",

	{"mongo", "drain beside 1 M finished tasks, % of alone"}:  whyCollections,
	{"mongo", "drain beside 10 M finished tasks, % of alone"}: whyCollections,
	{"mongo", "drain beside 1 M future tasks, % of alone"}:    whyCollections + " The hand-written loops lose more.",
	{"mongo", "drain by 16 workers, to one's"}: "Workers that compete look for tasks that others take first. The hand-written loops " +
		"lose more.",
	{"memory", "drain, tasks/s"}: "The engine's own ceiling on two of these cores: a claim, JSON, a goroutine's hand-over and a " +
		"verdict for each task.",
	{"sqlite", "insertion by 1 goroutine, to River's driver"}: "An insertion is a transaction and a sync of the disk, for both.",
	{"sqlite", "insertion in bulk, to River's driver"}:        "Most of it is SQLite's own writing of rows and indexes, which is River's cost, too.",
	{"sqlite", "drain by 16 workers, to one's"}: "SQLite has one writer at a time: sixteen stores wait for each other's " +
		"transactions.",

	{"postgres", "CPU of an idle worker, %"}:          whyIdle,
	{"redis", "CPU of an idle worker, %"}:             whyIdle,
	{"postgres", "memory of a task that runs, bytes"}: whySlots,
	{"redis", "memory of a task that runs, bytes"}:    whySlots,
	{"mongo", "memory of a task that runs, bytes"}:    whySlots,
	{"sqlite", "memory of a task that runs, bytes"}:   whySlots,
	{"memory", "memory of a task that runs, bytes"}:   whySlots,
}

const (
	whySlow  = "Met on a quicker machine. That of the targets runs River and asynq twice as fast as the one measured here."
	whyTail  = "The tail of a bare loop that is notified is of this length, too, on cores that are shared; met in quieter runs."
	whySlots = "It is a handler's goroutine: Go doubles its stack to 8 KiB on the way through middleware, codec and handler."
	whyIdle  = "It is what the process and the server take without work, by timers of Go's and the server's own, as the peer's do."

	whyCollections = "DocumentDB takes longer for a task in larger collections."
)
