package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// quickly is how long a server may take to answer, if it is one.
const quickly = 5 * time.Second

// redisInfo returns what a server on this machine says of itself. Unlike a client of a library it
// does not try again, nor log, while the server is not there yet.
func redisInfo(addr string) (map[string]string, error) {
	dialer := net.Dialer{Timeout: quickly}
	conn, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	reply, err := askInfo(conn)
	return fields(reply), errors.Join(err, conn.Close())
}

func askInfo(conn net.Conn) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(quickly)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "INFO\r\n"); err != nil {
		return "", err
	}
	from := bufio.NewReader(conn)
	var length int
	if _, err := fmt.Fscanf(from, "$%d\r\n", &length); err != nil {
		return "", err
	}
	text := make([]byte, length)
	_, err := io.ReadFull(from, text)
	return string(text), err
}

// fields returns the values of the lines "name:value".
func fields(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	return values
}
