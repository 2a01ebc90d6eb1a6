// Package servers gives tests the real servers that stores are for. A test asks for one, and
// gets what is there: the server that an environment variable names, one that is started from
// the binaries on this machine, or a container. Whatever was started ends with the test binary,
// however that ends; no TestMain is needed.
//
// Without a server a test is skipped, unless the environment variable FIREFLY_TEST_REQUIRE
// names its backend: "postgres,redis,mongo", say. Then it fails.
package servers
