//go:build unix

package servers

// Alive is for the tests of what becomes of servers.
var Alive = alive
