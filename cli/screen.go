package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// A screen draws each look over the one before, on a terminal. It begins with the first, so that an
// error before that stands where errors stand.
type screen struct {
	w        io.Writer
	interval time.Duration
	begun    bool
	table    string // of the last look
	at       string
}

// Sequences of ECMA-48 and of xterm's, which all terminals in use know.
const (
	screenBegin = "\x1b[?1049h\x1b[?25l\x1b[?7l" // a screen apart; no cursor; what is too wide is cut
	screenEnd   = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	screenHome  = "\x1b[H"
	lineErase   = "\x1b[2K"
)

// canDraw reports whether w is a terminal that knows how to move its cursor.
func canDraw(w io.Writer) bool { return isTerminal(w) && os.Getenv("TERM") != "dumb" }

func (s *screen) show(now *stats) error {
	var b strings.Builder
	t := now.table()
	if err := t.print(&b, wantsColor(s.w)); err != nil {
		return err
	}
	s.table, s.at = b.String(), now.At
	return s.draw(fmt.Sprintf("%s, every %s; Ctrl-C ends it", s.at, s.interval))
}

func (s *screen) trouble(err error) error {
	return s.draw(fmt.Sprintf("of %s; trying again: %s", s.at, oneLine(err)))
}

func (s *screen) draw(title string) error {
	text := title + "\n\n" + strings.TrimSuffix(s.table, "\n")
	frame := screenHome + lineErase + strings.Join(cut(strings.Split(text, "\n"), s.height()), "\n"+lineErase)
	if !s.begun {
		s.begun = true
		frame = screenBegin + frame
	}
	_, err := io.WriteString(s.w, frame)
	return err
}

// height is what the terminal says now, as its window may change at any time.
func (s *screen) height() int {
	const usual = 24
	if f, ok := s.w.(*os.File); ok {
		if _, height, err := term.GetSize(int(f.Fd())); err == nil && height > 0 {
			return height
		}
	}
	return usual
}

// cut makes lines fill a screen: what does not fit is counted, and what is left over is empty, so that
// nothing stays of the frame before.
func cut(lines []string, height int) []string {
	if over := len(lines) - height; over > 0 {
		return append(lines[:height-1:height-1], fmt.Sprintf("… and %d more", over+1))
	}
	return append(lines, make([]string, height-len(lines))...)
}

func (s *screen) end() error {
	if !s.begun {
		return nil
	}
	_, err := io.WriteString(s.w, screenEnd)
	return err
}
