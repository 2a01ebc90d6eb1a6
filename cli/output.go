package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// A format is a flag's value that says how to print what is read.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "string" }

// Set refuses formats that there are not, before the command begins.
func (f *format) Set(text string) error {
	switch given := format(text); given {
	case formatTable, formatJSON:
		*f = given
		return nil
	default:
		return errFormat
	}
}

var errFormat = errors.New("use table or json")

// printJSON writes one indented document.
func printJSON(w io.Writer, v any) error {
	text, err := jsonText(v, "")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text+"\n")
	return err
}

// jsonText returns an indented document, all lines of which but the first begin with prefix.
func jsonText(v any, prefix string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	err := e.Encode(v)
	return escapeControls(strings.TrimSuffix(b.String(), "\n")), err
}

// escapeControls escapes the control characters that JSON lets stand in its strings, and by which
// some terminals are made to do things.
func escapeControls(document string) string {
	if !strings.ContainsFunc(document, isHighControl) {
		return document
	}
	var b strings.Builder
	for _, r := range document {
		if isHighControl(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isHighControl(r rune) bool { return r >= 0x7f && r < 0xa0 }

// A table is a list for people.
type table struct {
	head  []string
	right map[int]bool // columns of numbers
	rows  [][]cell

	widths []int // once its head is printed
}

// A cell is text, and how it is coloured on a terminal.
type cell struct {
	text  string
	color string // an escape sequence; empty is none
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

// paint returns the text as a terminal shows it, in its colour if colored is set.
func (c cell) paint(colored bool) string {
	if !colored || c.color == "" {
		return c.text
	}
	return c.color + c.text + colorOff
}

func plain(v any) cell { return cell{text: fmt.Sprint(v)} }

// print writes the table, with colours if colored is set. Rows that are added later are printed by
// another call, below these.
func (t *table) print(w io.Writer, colored bool) error {
	rows := t.rows
	if t.widths == nil {
		t.widths = make([]int, len(t.head))
		head := make([]cell, len(t.head))
		for i, h := range t.head {
			head[i] = cell{text: h}
		}
		rows = append([][]cell{head}, rows...)
	}
	for _, row := range rows {
		for i, c := range row {
			t.widths[i] = max(t.widths[i], uniseg.StringWidth(c.text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, c := range row {
			t.write(&b, i, c, colored)
		}
		b.WriteByte('\n')
	}
	t.rows = nil
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) write(b *strings.Builder, column int, c cell, colored bool) {
	if column > 0 {
		b.WriteString("  ")
	}
	padding := strings.Repeat(" ", t.widths[column]-uniseg.StringWidth(c.text))
	if t.right[column] {
		b.WriteString(padding)
	}
	b.WriteString(c.paint(colored))
	if !t.right[column] && column < len(t.head)-1 {
		b.WriteString(padding)
	}
}

// oneLineText makes text of a task safe to show in a line: without line breaks or other control
// characters, which could also make a terminal do things.
func oneLineText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

// shorten cuts text to a number of bytes, at a character.
func shorten(s string, most int) string {
	s = oneLineText(s)
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most-len("…")], "") + "…"
}
