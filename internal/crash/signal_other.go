//go:build !unix

package crash

import "os"

// There is nothing to stop a process with.
var stopSignal, goOnSignal os.Signal
