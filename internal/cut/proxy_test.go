package cut_test

import (
	"bufio"
	"net"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/cut"
)

// A server that answers each line with the same line, and counts them.
func echo(t *testing.T) (addr string, lines chan string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	lines = make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for s := bufio.NewScanner(c); s.Scan(); {
					lines <- s.Text()
					_, _ = c.Write([]byte(s.Text() + "\n"))
				}
			}()
		}
	}()
	return l.Addr().String(), lines
}

func ask(c net.Conn, line string) (string, error) {
	if _, err := c.Write([]byte(line + "\n")); err != nil {
		return "", err
	}
	return bufio.NewReader(c).ReadString('\n')
}

func TestMoments(t *testing.T) {
	for name, test := range map[string]struct {
		moment  cut.Moment
		arrives bool
	}{"request": {cut.Request, false}, "reply": {cut.Reply, true}} {
		t.Run(name, func(t *testing.T) {
			addr, lines := echo(t)
			p := cut.New(t, addr)
			c, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got, err := ask(c, "before"); got != "before\n" || err != nil {
				t.Fatalf("answer %q, error %v", got, err)
			}
			<-lines
			p.CutNext(test.moment)
			p.Spare()
			p.CutAfter(test.moment, 1)
			if got, err := ask(c, "spared"); got != "spared\n" || err != nil {
				t.Fatalf("answer %q, error %v, from a connection that was to be spared", got, err)
			}
			<-lines
			if got, err := ask(c, "cut"); err == nil {
				t.Fatalf("answer %q through a connection that was to be cut", got)
			}
			if p.Cuts() != 1 {
				t.Errorf("%d cuts", p.Cuts())
			}
			if test.arrives {
				if got := <-lines; got != "cut" {
					t.Errorf("the server got %q", got)
				}
			} else if len(lines) > 0 {
				t.Errorf("the server got %q", <-lines)
			}
		})
	}
}
