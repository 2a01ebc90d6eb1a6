package crash

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// Lines of the ledger begin with one of these.
const (
	readyLine = "ready "  // process: a worker has opened its store
	startLine = "start "  // task, attempt: a handler was called
	sentLine  = "sent "   // a settling call is about to be sent, whose answer nobody hears
	pauseLine = "paused " // process, task: a handler waits to be stopped
	endLine   = "ended "  // process, task, outcome, Unix microseconds: the store knows how a run ended
)

// A ledger is a file that workers append to, and that outlives them. Its methods may be called
// concurrently.
type ledger struct {
	name string

	mu    sync.Mutex
	read  int64
	lines map[string][]string // by their first word, which they are without
}

func newLedger(name string) *ledger { return &ledger{name: name, lines: map[string][]string{}} }

// note appends a line, in one write, so that those of several processes do not mix.
func note(file *os.File, format string, args ...any) error {
	_, err := fmt.Fprintf(file, format+"\n", args...)
	return err
}

// find returns the lines that begin so, with a first word at least, each without that.
func (l *ledger) find(prefix string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.catchUp(); err != nil {
		return nil, err
	}
	word, more, _ := strings.Cut(prefix, " ")
	all := l.lines[word+" "]
	if more == "" {
		return slices.Clone(all), nil
	}
	var found []string
	for _, line := range all {
		if rest, ok := strings.CutPrefix(line, more); ok {
			found = append(found, rest)
		}
	}
	return found, nil
}

// count returns how many lines begin with a word.
func (l *ledger) count(word string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.catchUp()
	return len(l.lines[word]), err
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
			word, rest, _ := strings.Cut(whole, " ")
			l.lines[word+" "] = append(l.lines[word+" "], rest)
		}
	}
	return nil
}

// count returns how many of the ledger's lines begin with a word.
func (h *harness) count(word string) int {
	h.Helper()
	n, err := h.ledger.count(word)
	if err != nil {
		h.Fatal(err)
	}
	return n
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
