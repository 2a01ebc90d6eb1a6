// Package cut stands between a client and its server and cuts the connection at the moments that
// matter: before a request has arrived, or after it was carried out and before its reply is back.
package cut

import (
	"context"
	"net"
	"sync"
	"testing"
)

// A Proxy passes on what it gets, until it is told to cut.
type Proxy struct {
	listen net.Listener
	wg     sync.WaitGroup

	mu     sync.Mutex
	target string
	pairs  map[*pair]struct{}
	next   Moment
	spare  int // so many moments of that kind before
	cuts   int
	line   line
}

// A Moment is when a connection is cut.
type Moment int

const (
	never   Moment = iota
	Request        // instead of passing the next request on
	Reply          // instead of passing the next reply on
)

// A pair is a client's connection and that to the server.
type pair struct{ client, server net.Conn }

func (p *pair) close() {
	_ = p.client.Close()
	_ = p.server.Close()
}

// New starts a proxy for a server's address, on a port of its own, that ends with the test.
func New(tb testing.TB, target string) *Proxy {
	tb.Helper()
	var config net.ListenConfig
	l, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{target: target, listen: l, pairs: map[*pair]struct{}{}}
	p.wg.Go(p.accept)
	tb.Cleanup(func() {
		_ = l.Close()
		p.Mend()
		p.CutAll()
		p.wg.Wait()
	})
	return p
}

// Addr is where clients connect to.
func (p *Proxy) Addr() string { return p.listen.Addr().String() }

// CutNext cuts one connection at the next moment of that kind.
func (p *Proxy) CutNext(m Moment) { p.CutAfter(m, 0) }

// CutAfter is CutNext that lets n moments of that kind pass before.
func (p *Proxy) CutAfter(m Moment, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.spare = m, n
}

// Spare takes back what CutNext or CutAfter asked for and has not happened.
func (p *Proxy) Spare() { p.CutAfter(never, 0) }

// Cuts returns how often CutNext and CutAfter have had their effect.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// CutAll cuts every connection now.
func (p *Proxy) CutAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pairs {
		c.close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		var d net.Dialer
		server, err := d.DialContext(context.Background(), "tcp", p.Target())
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &pair{client, server}
		p.mu.Lock()
		p.pairs[c] = struct{}{}
		p.mu.Unlock()
		p.wg.Go(func() { p.pass(c, c.client, c.server, Request) })
		p.wg.Go(func() {
			p.pass(c, c.server, c.client, Reply)
			p.mu.Lock()
			delete(p.pairs, c)
			p.mu.Unlock()
		})
	}
}

// pass copies until either side ends, or it is time to cut.
func (p *Proxy) pass(c *pair, from, to net.Conn, m Moment) {
	defer c.close()
	part := make([]byte, 64<<10)
	for {
		n, err := from.Read(part)
		if n > 0 {
			p.travel()
		}
		if n > 0 && p.cut(m) {
			return
		}
		if n > 0 {
			if _, err := to.Write(part[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut reports whether the connection is to be cut at this moment.
func (p *Proxy) cut(m Moment) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next != m {
		return false
	}
	if p.spare > 0 {
		p.spare--
		return false
	}
	p.next = never
	p.cuts++
	return true
}
