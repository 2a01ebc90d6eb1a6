package cli

import (
	"context"
	"os/exec"
	"strconv"
	"syscall"
)

// shell returns a command that a Ctrl-C at the console does not reach. What follows /C is for cmd to
// take apart, whose quotes are not those of other programs.
func shell(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "cmd")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		CmdLine:       `cmd /S /C "` + text + `"`,
		CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP,
	}
	return cmd
}

// hasProgram leaves it to cmd, which knows words of its own.
func hasProgram(context.Context, string) bool { return true }

// endGroup ends a process and all that it has started. There is no polite way.
func endGroup(leader int) error {
	return exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(leader)).Run()
}
