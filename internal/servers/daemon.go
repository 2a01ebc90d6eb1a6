//go:build unix

package servers

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// A daemon is a server in a guard's folder that may be killed and started again.
type daemon struct {
	guard *guard

	mu  sync.Mutex
	pid int // 0 after a kill
}

// start starts the server by a command and waits until it is ready.
func (d *daemon) start(ready func(pid int) bool, command ...string) error {
	pid, err := d.guard.start(ready, command...)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pid = pid
	return err
}

// running returns the server's process id, or 0 if it was killed.
func (d *daemon) running() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pid
}

// processes returns the process ids of the server and its children.
func (d *daemon) processes() ([]int, error) {
	pid := d.running()
	if pid == 0 {
		return nil, nil
	}
	return family(pid)
}

// kill kills the server and all its children at once.
func (d *daemon) kill() error {
	pid := d.running()
	if pid == 0 {
		return errors.New("the server was killed before")
	}
	// Once stopped, the server starts no more children, nor does it act on the death of any.
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	all, err := family(pid)
	if err != nil {
		return err
	}
	for _, pid := range all {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	d.mu.Lock()
	d.pid = 0
	d.mu.Unlock()
	if err := d.guard.kill(); err != nil {
		return err
	}
	return awaitEnd(all)
}

// awaitEnd waits until none of some processes runs.
func awaitEnd(pids []int) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		running, err := alive(pids...)
		switch {
		case err != nil:
			return err
		case len(running) == 0:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("the processes %v survived SIGKILL by %s", running, patience)
		}
	}
}

// end kills the server and removes its data.
func (d *daemon) end() error { return d.guard.end() }
