package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A recorder is a testing.TB that only notes how a case ends. So cases run outside of go test, too.
type recorder struct {
	testing.TB // nil: it is there for its method that is not exported

	name   string
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	failed   bool
	skipped  bool
	log      bytes.Buffer
	cleanups []func()
}

// record runs f on its own and waits until it has ended, with all that it wants cleaned up. A panic is a
// failure, as it is under go test. Until then the recorder, which is sent at once, is used by others.
func record(ctx context.Context, name string, f func(tb testing.TB)) (*recorder, <-chan struct{}) {
	r := &recorder{name: name}
	r.ctx, r.cancel = context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer r.cleanUp()
		defer r.recovered()
		f(r)
	}()
	return r, ended
}

func (r *recorder) recovered() {
	if p := recover(); p != nil {
		stack := make([]byte, 4<<10)
		r.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
	}
}

// cleanUp calls what Cleanup was given, the last first. Each may end by FailNow, or add more.
func (r *recorder) cleanUp() {
	r.cancel()
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		f := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer r.recovered()
			f()
		}()
		<-done
	}
}

func (r *recorder) Helper()                  {}
func (r *recorder) Name() string             { return r.name }
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Log(args ...any) { _, _ = io.WriteString(r.Output(), fmt.Sprintln(args...)) }

func (r *recorder) Logf(format string, args ...any) { r.Log(fmt.Sprintf(format, args...)) }

// Output implements [testing.TB].
func (r *recorder) Output() io.Writer { return lockedWriter{r} }

func (r *recorder) Attr(key, value string) { r.Logf("%s: %s", key, value) }

type lockedWriter struct{ r *recorder }

// Write implements [io.Writer].
func (w lockedWriter) Write(p []byte) (int, error) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	return w.r.log.Write(p)
}

// text returns what was logged up to now.
func (r *recorder) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.TrimSuffix(r.log.String(), "\n")
}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Error(args ...any) {
	r.Log(args...)
	r.Fail()
}

func (r *recorder) Errorf(format string, args ...any) { r.Error(fmt.Sprintf(format, args...)) }

func (r *recorder) Fatal(args ...any) {
	r.Log(args...)
	r.FailNow()
}

func (r *recorder) Fatalf(format string, args ...any) { r.Fatal(fmt.Sprintf(format, args...)) }

func (r *recorder) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any) {
	r.Log(args...)
	r.SkipNow()
}

func (r *recorder) Skipf(format string, args ...any) { r.Skip(fmt.Sprintf(format, args...)) }

func (r *recorder) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

func (r *recorder) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

// TempDir returns a folder that is removed with the case.
func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "storetest")
	if err != nil {
		r.Fatalf("a temporary folder: %v", err)
	}
	r.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			r.Errorf("a temporary folder: %v", err)
		}
	})
	return dir
}

// ArtifactDir is a temporary folder here.
func (r *recorder) ArtifactDir() string { return r.TempDir() }

var errProcess = errors.New("a harness must not change the process outside of go test")

func (r *recorder) Setenv(string, string) { r.Fatal(errProcess) }
func (r *recorder) Chdir(string)          { r.Fatal(errProcess) }
