package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	goredis "github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
)

// Main runs the program: its arguments, streams and signals are the process's. It does not return.
func Main(cfg Config) {
	goredis.SetLogger(silent{}) // it writes a line for each failed dial, beside the error that tells of it
	os.Exit(Run(context.Background(), Command(cfg)))
}

// A silent logger is for a driver.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Run runs cmd, prints an error in one line, and returns the exit code: see [ExitCode]. The first
// SIGINT or SIGTERM ends the context of the command, which then finishes what it is at; the second
// ends the process.
func Run(ctx context.Context, cmd *cobra.Command) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	// A closed pipe becomes an error of the writer, so that a command can say how far it got. It
	// is not ignored, as the commands of --exec would inherit that.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)

	ran, err := cmd.ExecuteContextC(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s%s\n", cmd.Name(), oneLine(err), hint(ran, err))
	}
	return ExitCode(err)
}

// oneLine says what is wrong in one line.
func oneLine(err error) string {
	if errors.Is(err, syscall.EPIPE) {
		return "the output was closed before all was written"
	}
	return shorten(strings.TrimPrefix(err.Error(), "firefly: "), longestMessage)
}

const longestMessage = 2000 // bytes: an error of a server may quote a whole statement
