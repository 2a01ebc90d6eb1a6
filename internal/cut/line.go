package cut

import (
	"math/rand/v2"
	"time"
)

// A line is what lies between client and server.
type line struct {
	open   chan struct{} // closed when it lets things through again; nil if it does
	delays time.Duration // each part takes up to so long
}

// Interrupt holds back all that is sent from now on, in both directions, as a network does whose packets
// are lost. Nobody is told. [Proxy.Mend] lets it arrive, unless the connections are cut before.
func (p *Proxy) Interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line.open == nil {
		p.line.open = make(chan struct{})
	}
}

// Slow lets all that is sent take a while, up to d, that is drawn anew for each part.
func (p *Proxy) Slow(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line.delays = d
}

// Mend undoes Interrupt and Slow.
func (p *Proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line.open != nil {
		close(p.line.open)
	}
	p.line = line{}
}

// Target returns where connections lead to.
func (p *Proxy) Target() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.target
}

// Lead cuts all connections and lets new ones lead to another server, as an address that is moved.
func (p *Proxy) Lead(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.CutAll()
}

// travel takes as long as a part is under way.
func (p *Proxy) travel() {
	p.mu.Lock()
	l := p.line
	p.mu.Unlock()
	if l.open != nil {
		<-l.open
	}
	if l.delays > 0 {
		<-time.After(rand.N(l.delays))
	}
}
