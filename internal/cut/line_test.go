package cut_test

import (
	"net"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/internal/cut"
)

func dial(t *testing.T, p *cut.Proxy) net.Conn {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// What is sent while the line is interrupted arrives when it is mended.
func TestInterrupt(t *testing.T) {
	addr, lines := echo(t)
	p := cut.New(t, addr)
	c := dial(t, p)
	p.Interrupt()
	p.Interrupt() // it is already
	answered := make(chan string)
	go func() {
		got, _ := ask(c, "late")
		answered <- got
	}()
	select {
	case line := <-lines:
		t.Fatalf("%q has arrived", line)
	case <-time.After(50 * time.Millisecond):
	}
	p.Mend()
	if got := <-answered; got != "late\n" {
		t.Errorf("answer %q", got)
	}
}

// Connections that are cut in the meantime lose what was sent.
func TestCutWhileInterrupted(t *testing.T) {
	addr, lines := echo(t)
	p := cut.New(t, addr)
	c := dial(t, p)
	if got, err := ask(c, "before"); got != "before\n" || err != nil {
		t.Fatalf("answer %q, error %v", got, err)
	}
	<-lines
	p.Interrupt()
	if _, err := c.Write([]byte("lost\n")); err != nil {
		t.Fatal(err)
	}
	p.CutAll()
	p.Mend()
	if got, err := ask(dial(t, p), "after"); got != "after\n" || err != nil {
		t.Errorf("answer %q, error %v", got, err)
	}
	if line := <-lines; line != "after" {
		t.Errorf("%q has arrived", line)
	}
}

func TestSlow(t *testing.T) {
	addr, _ := echo(t)
	p := cut.New(t, addr)
	p.Slow(time.Millisecond)
	if got, err := ask(dial(t, p), "slow"); got != "slow\n" || err != nil {
		t.Errorf("answer %q, error %v", got, err)
	}
}

func TestLead(t *testing.T) {
	first, _ := echo(t)
	second, lines := echo(t)
	p := cut.New(t, first)
	c := dial(t, p)
	if _, err := ask(c, "to the first"); err != nil {
		t.Fatal(err)
	}
	p.Lead(second)
	if _, err := ask(c, "to nobody"); err == nil {
		t.Error("a connection outlived the move")
	}
	if got, err := ask(dial(t, p), "to the second"); got != "to the second\n" || err != nil || <-lines != "to the second" {
		t.Errorf("answer %q, error %v", got, err)
	}
}
