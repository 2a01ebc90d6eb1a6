//go:build unix

package crash

import (
	"os"
	"syscall"
)

// What stops a process, and lets it go on.
var (
	stopSignal os.Signal = syscall.SIGSTOP
	goOnSignal os.Signal = syscall.SIGCONT
)
