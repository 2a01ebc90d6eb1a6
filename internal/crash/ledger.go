package crash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Lines of the ledger begin with one of these.
const (
	readyLine  = "ready "    // process: a worker has opened its store
	startLine  = "start "    // task, attempt: a handler was called
	sentLine   = "sent "     // a settling call is about to be sent
	answerLine = "answered " // it was answered
	pauseLine  = "paused "   // process, task: a handler waits to be stopped
	endLine    = "ended "    // process, task, outcome, Unix microseconds: the store knows how a run ended
)

// A ledger is a file that workers append to, and that outlives them. It is not for concurrent use.
type ledger struct {
	name  string
	read  int64
	lines []string
}

// note appends a line, in one write, so that those of several processes do not mix.
func note(file *os.File, format string, args ...any) error {
	_, err := fmt.Fprintf(file, format+"\n", args...)
	return err
}

// find returns the lines that begin so, each without that.
func (l *ledger) find(prefix string) ([]string, error) {
	if err := l.catchUp(); err != nil {
		return nil, err
	}
	var found []string
	for _, line := range l.lines {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			found = append(found, rest)
		}
	}
	return found, nil
}

// catchUp reads the lines that are new.
func (l *ledger) catchUp() error {
	file, err := os.Open(l.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Seek(l.read, io.SeekStart); err != nil {
		return err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		if whole, ok := strings.CutSuffix(line, "\n"); ok {
			l.read += int64(len(line))
			l.lines = append(l.lines, whole)
		}
	}
	return nil
}

// lines returns the ledger's lines that begin so, each without that.
func (h *harness) lines(prefix string) []string {
	h.Helper()
	found, err := h.ledger.find(prefix)
	if err != nil {
		h.Fatal(err)
	}
	return found
}
