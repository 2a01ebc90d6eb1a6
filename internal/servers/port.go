package servers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

const (
	loopback = "127.0.0.1"

	// From 32768 up, systems choose the ports of outgoing connections. A server that is started
	// again on such a port might find it taken.
	lowestPort  = 10_240
	highestPort = 32_767
)

// freePort returns a port of the loopback interface, at most the highest, that nothing listens on.
// Another process may be faster to take it: see onFreePort.
func freePort(highest int) (int, error) {
	const tries = 100
	var listen net.ListenConfig
	var err error
	for range tries {
		port := lowestPort + rand.N(highest-lowestPort+1)
		var l net.Listener
		if l, err = listen.Listen(context.Background(), "tcp", address(port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port up to %d in %d tries: %w", highest, tries, err)
}

// onFreePort starts a server on one port after the other, none above the highest, until it succeeds
// or it must be for another reason that it fails.
func onFreePort(highest int, start func(port int) error) error {
	const tries = 4
	var err error
	for range tries {
		var port int
		if port, err = freePort(highest); err != nil {
			return err
		}
		if err = start(port); err == nil {
			return nil
		}
	}
	return err
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }
