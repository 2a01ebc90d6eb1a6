package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/cli"
)

// A commandLine of a document: the words after the program's name.
type commandLine struct {
	line int
	args []string
}

// Every command line in the documents is one that the commands understand: each command and each
// flag exists, and takes what it is given.
func TestCommandsInDocuments(t *testing.T) {
	for document, least := range map[string]int{
		"README.md":                           4,
		"docs/operations.md":                  15,
		"docs/systemd/firefly-worker.service": 1,
		"Dockerfile":                          1,
	} {
		t.Run(document, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(document)))
			if err != nil {
				t.Fatal(err)
			}
			find := inFile
			if filepath.Ext(document) == ".md" {
				find = inMarkdown
			}
			found := find(string(text))
			if len(found) < least {
				t.Errorf("%d command lines, want at least %d", len(found), least)
			}
			for _, c := range found {
				if err := understood(c.args); err != nil {
					t.Errorf("line %d: %q: %v", c.line, c.args, err)
				}
			}
		})
	}
}

// understood parses a command line, and does not run it.
func understood(args []string) error {
	cmd, rest, err := cli.Command(cli.Config{}).Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if cmd.HasSubCommands() {
		return fmt.Errorf("%q does nothing by itself", cmd.CommandPath())
	}
	operands := cmd.Flags().Args()
	return errors.Join(cmd.ValidateArgs(operands), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups())
}

var (
	program    = regexp.MustCompile(`(?:^|[\s(=])(?:(?:\./|(?:/usr/local/)?bin/)?firefly|(?:\./examples/)?shop jobs)\s+([a-z-].*)$`)
	inline     = regexp.MustCompile("`([^`]+)`")
	arguments  = regexp.MustCompile(`^\s*args: (\[.*\])$`)      // of a container in Kubernetes
	executable = regexp.MustCompile(`^(?:ExecStart=|#\t)(.*)$`) // in a unit, or what a comment shows
)

// inFile finds command lines in a unit of systemd or a Dockerfile.
func inFile(text string) (found []commandLine) {
	for i, line := range strings.Split(text, "\n") {
		if m := executable.FindStringSubmatch(line); m != nil {
			found = appendCommand(found, i+1, m[1])
		}
	}
	return found
}

// inMarkdown finds command lines in blocks of shell, in the arguments of containers, and between
// backquotes.
func inMarkdown(text string) (found []commandLine) {
	block := ""
	for i, line := range strings.Split(text, "\n") {
		language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence:
			block = language
		case block == "sh":
			found = appendCommand(found, i+1, line)
		case block == "yaml":
			if m := arguments.FindStringSubmatch(line); m != nil {
				var args []string
				_ = json.Unmarshal([]byte(m[1]), &args) // without any, nothing is understood
				found = append(found, commandLine{i + 1, append([]string{"consume"}, args...)})
			}
		case block == "":
			for _, m := range inline.FindAllStringSubmatch(line, -1) {
				found = appendCommand(found, i+1, m[1])
			}
		}
	}
	return found
}

func appendCommand(found []commandLine, line int, code string) []commandLine {
	if m := program.FindStringSubmatch(code); m != nil {
		found = append(found, commandLine{line, words(m[1])})
	}
	return found
}

// words splits a command line as a shell would, up to its end.
func words(line string) (words []string) {
	var word strings.Builder
	var quote rune
	within := false
	end := func() {
		if within {
			words = append(words, word.String())
		}
		word.Reset()
		within = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, within = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			end()
		case quote == 0 && strings.ContainsRune("|;&<>#", r):
			end()
			return words
		default:
			word.WriteRune(r)
			within = true
		}
	}
	end()
	return words
}

func TestCommandLines(t *testing.T) {
	for _, test := range []struct {
		name string
		find func(string) []commandLine
		text string
		want string
	}{
		{"a block of shell", inMarkdown, "```sh\nfirefly tasks show 1 -o json | jq\n```", `[{2 [tasks show 1 -o json]}]`},
		{"quotes", inMarkdown, "```sh\nfirefly consume --exec 'math.add=jq add' # adds\n```", `[{2 [consume --exec math.add=jq add]}]`},
		{"after a variable", inMarkdown, "```sh\nNO_COLOR=1 bin/firefly stats\n```", `[{2 [stats]}]`},
		{"of an application", inMarkdown, "```sh\nshop jobs stats\n```", `[{2 [stats]}]`},
		{"in a line", inMarkdown, "run `firefly stats` or `shop jobs migrate`, `firefly.Worker`", `[{1 [stats]} {1 [migrate]}]`},
		{"prose", inMarkdown, "the program firefly runs", `[]`},
		{"another language", inMarkdown, "```go\nfirefly stats\n```", `[]`},
		{"a container", inMarkdown, "```yaml\n  args: [\"--queue\", \"x\"]\n```", `[{2 [consume --queue x]}]`},
		{"a unit", inFile, "[Service]\nExecStart=/usr/local/bin/firefly consume --queue x", `[{2 [consume --queue x]}]`},
		{"a comment", inFile, "# of the firefly command\n#\tdocker run firefly stats\n", `[{2 [stats]}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := fmt.Sprint(test.find(test.text)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNotUnderstood(t *testing.T) {
	for _, args := range [][]string{
		{"versions"}, {"version", "--nope"}, {"version", "x"}, {"version", "-o"},
	} {
		if understood(args) == nil {
			t.Errorf("%q is understood", args)
		}
	}
	for _, args := range [][]string{{"version"}, {"version", "-o", "json"}, {"version", "--help"}} {
		if err := understood(args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
