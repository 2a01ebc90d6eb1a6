package crash

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// A member of a cell's crew is a worker process or, where the store is in this process, an [understudy].
type member interface {
	kill()                 // at once, and waits for its end
	stop() error           // it does nothing more until goOn
	goOn() error           // has it go on
	retire() error         // has it end as a deployment does, and waits for that
	gone() <-chan struct{} // closed when it has ended
}

func (p *process) stop() error           { return p.Process.Signal(stopSignal) }
func (p *process) goOn() error           { return p.Process.Signal(goOnSignal) }
func (p *process) gone() <-chan struct{} { return p.ended }

func (p *process) retire() error {
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		return errors.New("a worker that was told to end did not")
	}
	if !p.ProcessState.Success() {
		return fmt.Errorf("a worker that was told to end: %s", p.ProcessState)
	}
	return nil
}

// An understudy is a worker in this process that stands for one in a process of its own: what kills it
// is that none of its calls reaches the store any more, nor does any answer.
type understudy struct {
	gate
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

// understudy starts one.
func (c *cell) understudy() *understudy {
	ctx, cancel := context.WithCancel(c.Context())
	u := &understudy{cancel: cancel, ended: make(chan struct{})}
	open := func(ctx context.Context, dsn string) (store.Store, Effects, error) {
		s, effects, err := c.open(ctx, dsn)
		full, ok := s.(store.Full)
		if err == nil && !ok {
			err = store.Unsupported(s, "Full")
		}
		return &wired{full, &u.gate, c.wire}, effects, err
	}
	go func() {
		defer close(u.ended)
		u.err = c.orders.work(ctx, open, func() { u.sever(); cancel(); <-ctx.Done() })
	}()
	return u
}

func (u *understudy) kill() {
	u.sever()
	u.cancel()
	<-u.ended
}

func (u *understudy) retire() error {
	u.cancel()
	<-u.ended
	return u.err
}

func (u *understudy) gone() <-chan struct{} { return u.ended }
