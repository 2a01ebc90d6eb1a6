//go:build unix

package cli

import (
	"context"
	"os/exec"
	"syscall"
	"time"
)

// shell returns a command that runs in a process group of its own, which a Ctrl-C at the terminal
// does not reach.
func shell(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "sh", "-c", text) //nolint:gosec // to run what the command line says is the purpose
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// hasProgram asks the shell, which knows words of its own.
func hasProgram(ctx context.Context, word string) bool {
	return exec.CommandContext(ctx, "sh", "-c", `command -v "$1"`, "sh", word).Run() == nil //nolint:gosec // the word is an argument
}

// endGroup ends a process group, first politely, and returns when it is gone, or killed.
func endGroup(leader int) error {
	if syscall.Kill(-leader, syscall.SIGTERM) != nil {
		return nil // there is nobody left
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(killAfter); time.Now().Before(deadline); <-tick.C {
		if syscall.Kill(-leader, 0) != nil {
			return nil
		}
	}
	return syscall.Kill(-leader, syscall.SIGKILL)
}
