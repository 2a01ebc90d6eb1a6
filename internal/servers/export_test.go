package servers

// Skippable is for the tests of which tests may be skipped.
var Skippable = skippable

// Absent is an error that says that there is no server.
func Absent(text string) error { return absentError(text) }

// OnFreePort is for the test of servers that find their port taken.
var OnFreePort = onFreePort

// Find is for the tests of where a server comes from.
var Find = find[Postgres]
