package repo_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Go code in a document is taken word for word from a file that is compiled, and named before
// it: <!-- from firefly/example_eta_test.go -->. So it cannot go stale.
var source = regexp.MustCompile(`^<!-- from (\S+\.go) -->$`)

// A snippet is a block of Go code in a document.
type snippet struct {
	line int    // of its first line of code
	from string // the file that it is taken from; empty if none is named
	code []string
}

// snippets returns the blocks of Go code in a document's lines.
func snippets(lines []string) ([]snippet, error) {
	const fence = "```"
	var found []snippet
	from := ""
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if m := source.FindStringSubmatch(line); m != nil {
			from = m[1]
			continue
		}
		language, opens := strings.CutPrefix(line, fence)
		if opens {
			start := i + 1
			length := slices.IndexFunc(lines[start:], func(l string) bool { return strings.TrimSpace(l) == fence })
			if length < 0 {
				return nil, fmt.Errorf("line %d: the block is never closed", i+1)
			}
			if language = strings.TrimSpace(language); language == "go" || language == "golang" {
				found = append(found, snippet{line: start + 1, from: from, code: lines[start : start+length]})
			}
			i = start + length
		}
		if line != "" {
			from = ""
		}
	}
	return found, nil
}

// dedent returns lines without the indentation that they share.
func dedent(lines []string) []string {
	shared := math.MaxInt
	for _, l := range lines {
		if code := strings.TrimLeft(l, " \t"); code != "" {
			shared = min(shared, len(l)-len(code))
		}
	}
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.TrimRight(l[min(shared, len(l)):], " \t")
	}
	return out
}

// contains reports whether code is a run of lines of a file, but for the indentation.
func contains(file, code []string) bool {
	code = dedent(code)
	for i := 0; i+len(code) <= len(file); i++ {
		if slices.Equal(dedent(file[i:i+len(code)]), code) {
			return true
		}
	}
	return false
}

func TestCodeInDocumentsIsCompiledCode(t *testing.T) {
	for _, name := range files(t, ".md") {
		t.Run(name, func(t *testing.T) {
			found, err := snippets(read(t, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range found {
				switch {
				case s.from == "":
					t.Errorf("line %d: no comment <!-- from path/of/file.go --> before the code", s.line)
				case !contains(read(t, s.from), s.code):
					t.Errorf("line %d: the code is not in %s", s.line, s.from)
				}
			}
		})
	}
}

func TestSnippets(t *testing.T) {
	document := func(lines ...string) []string { return lines }
	for _, tc := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"none", document("text", "```sh", "go build", "```", "text"), "[]"},
		{"named", document("<!-- from a/b.go -->", "```go", "x()", "", "y()", "```"), "[{3 a/b.go [x()  y()]}]"},
		{"named, with a blank line between", document("<!-- from b.go -->", "", "```go", "x()", "```"), "[{4 b.go [x()]}]"},
		{"nameless", document("```go", "x()", "```"), "[{2  [x()]}]"},
		{"name of another block", document("<!-- from b.go -->", "text", "```go", "x()", "```"), "[{4  [x()]}]"},
		{"two with one name", document("<!-- from b.go -->", "```go", "x()", "```", "```go", "y()", "```"), "[{3 b.go [x()]} {6  [y()]}]"},
		{"in a list", document("- text", "  <!-- from b.go -->", "  ```go", "  x()", "  ```"), "[{4 b.go [  x()]}]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := snippets(tc.lines)
			if err != nil {
				t.Fatal(err)
			}
			if text := fmt.Sprint(got); text != tc.want {
				t.Errorf("got %s, want %s", text, tc.want)
			}
		})
	}
	t.Run("never closed", func(t *testing.T) {
		if _, err := snippets(document("```go", "x()")); err == nil {
			t.Error("no error")
		}
	})
}

func TestContains(t *testing.T) {
	file := []string{"func f() {", "\tif a {", "\t\tb()", "", "\t\tc()", "\t}", "}"}
	for _, tc := range []struct {
		name string
		code []string
		want bool
	}{
		{"the whole file", file, true},
		{"dedented lines", []string{"b()", "", "c()"}, true},
		{"lines with depth", []string{"if a {", "\tb()", "", "\tc()", "}"}, true},
		{"a changed line", []string{"b()", "", "d()"}, false},
		{"a line left out", []string{"b()", "c()"}, false},
		{"a lost depth", []string{"if a {", "b()", "", "c()", "}"}, false},
		{"part of a line", []string{"if a"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := contains(file, tc.code); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
