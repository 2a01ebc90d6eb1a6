package main

import (
	"fmt"
	"os"
	"testing"
)

// owner stands for the test that a server would belong to.
type owner struct {
	testing.TB
	cleanups []func()
}

func (*owner) Helper()                        {}
func (o *owner) Cleanup(f func())             { o.cleanups = append(o.cleanups, f) }
func (*owner) Errorf(format string, a ...any) { fmt.Fprintf(os.Stderr, format+"\n", a...) }
func (*owner) Skipf(format string, a ...any)  { panic(fmt.Sprintf(format, a...)) }
func (*owner) Fatalf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

func (o *owner) end() {
	for _, f := range o.cleanups {
		f()
	}
	o.cleanups = nil
}
