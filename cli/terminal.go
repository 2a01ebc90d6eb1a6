package cli

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/fireflytasks/go-firefly/store"
)

// isTerminal reports whether people look at what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// wantsColor follows no-color.org.
func wantsColor(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// Escape sequences of ECMA-48.
const (
	colorOff    = "\x1b[0m"
	colorRed    = "\x1b[31m"
	colorGreen  = "\x1b[32m"
	colorYellow = "\x1b[33m"
	colorBlue   = "\x1b[34m"
	colorGray   = "\x1b[90m"
)

func statusCell(s store.Status) cell {
	colors := map[store.Status]string{
		store.Created: colorBlue, store.Running: colorYellow, store.Completed: colorGreen,
		store.Failed: colorRed, store.Cancelled: colorGray,
	}
	return cell{text: string(s), color: colors[s]}
}
