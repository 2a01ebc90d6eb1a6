package cli_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/cli/verify"
)

// standAlone returns the commands of the program cmd/firefly.
func standAlone() *cobra.Command { return cli.Command(cli.Config{Verify: verify.Command}) }

// tree returns the commands that users see, each before those below it.
func tree(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			all = append(all, tree(sub)...)
		}
	}
	return all
}

func TestHelpOfEachCommand(t *testing.T) {
	for _, c := range tree(standAlone()) {
		path := strings.Fields(c.CommandPath())
		t.Run(strings.Join(path, " "), func(t *testing.T) {
			s := &shell{config: cli.Config{Verify: verify.Command}}
			help := s.ok(t, append(path[1:], "--help")...)
			for _, part := range []string{c.Long, c.Example, "Usage:\n  " + c.UseLine()} {
				if !strings.Contains(help, strings.TrimSpace(part)) {
					t.Errorf("the help lacks %q:\n%s", part, help)
				}
			}
			for line := range strings.Lines(help) {
				if n := len([]rune(line)); n > 125 {
					t.Errorf("a line of %d characters: %s", n, line)
				}
			}
			checkTexts(t, c)
		})
	}
}

func checkTexts(t *testing.T, c *cobra.Command) {
	t.Helper()
	if c.Short == "" || !unicode.IsUpper([]rune(c.Short)[0]) || strings.HasSuffix(c.Short, ".") {
		t.Errorf("Short is %q: make it a sentence that begins in upper case, without its full stop", c.Short)
	}
	if !c.HasSubCommands() && c.Example == "" {
		t.Error("there is no Example: show what the command is used for")
	}
	for line := range strings.Lines(c.Example) {
		if !strings.HasPrefix(line, "  ") || !strings.Contains(line, "firefly") {
			t.Errorf("a line of Example is %q: indent it by two spaces, and show a command line", line)
		}
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" || unicode.IsUpper([]rune(f.Usage)[0]) && !isAcronym.MatchString(f.Usage) || strings.HasSuffix(f.Usage, ".") {
			t.Errorf("the usage of --%s is %q: begin in lower case, and end without a full stop", f.Name, f.Usage)
		}
	})
}

var isAcronym = regexp.MustCompile(`^[A-Z]{2,}\b`)

// Each example is a command line that the commands understand.
func TestExamplesAreUnderstood(t *testing.T) {
	call := regexp.MustCompile(`(?:^|\| |xargs |<\()firefly `)
	for _, c := range tree(standAlone()) {
		for line := range strings.Lines(c.Example) {
			line = strings.TrimSpace(line)
			calls := call.FindAllStringIndex(line, -1)
			if len(calls) == 0 {
				t.Errorf("%s: no command line in %q", c.CommandPath(), line)
			}
			for _, at := range calls {
				if err := parsed(shellWords(line[at[1]:]), strings.Contains(line, "xargs")); err != nil {
					t.Errorf("%s: %q: %v", c.CommandPath(), line, err)
				}
			}
		}
	}
}

// parsed parses a command line, which may lack its arguments.
func parsed(args []string, lacking bool) error {
	cmd, rest, err := standAlone().Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil || lacking {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// shellWords splits a command line as a shell would, up to its end.
func shellWords(line string) (words []string) {
	word, quote, within := "", ' ', false
	for _, r := range line + " " {
		switch {
		case quote != ' ' && r == quote:
			quote = ' '
		case quote != ' ':
			word += string(r)
		case r == '\'' || r == '"':
			quote, within = r, true
		case strings.ContainsRune(" |;&<>)#", r):
			if within {
				words = append(words, word)
			}
			if r != ' ' {
				return words
			}
			word, within = "", false
		default:
			word += string(r)
			within = true
		}
	}
	return words
}

func TestShellWords(t *testing.T) {
	for line, want := range map[string][]string{
		`a  b`:                       {"a", "b"},
		`a '{"to": "b"}' c`:          {"a", `{"to": "b"}`, "c"},
		`a "2026-01-31 06:00" ''`:    {"a", "2026-01-31 06:00", ""},
		`a --exec x='jq b' > c`:      {"a", "--exec", "x=jq b"},
		`a | jq '.[]'`:               {"a"},
		`a b)`:                       {"a", "b"},
		`a || firefly b # a comment`: {"a"},
	} {
		if got := shellWords(line); !slices.Equal(got, want) {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func TestHelpIsGrouped(t *testing.T) {
	root := standAlone()
	var titles []string
	for _, g := range root.Groups() {
		titles = append(titles, g.Title)
	}
	if want := []string{"Tasks:", "Store:", "Other:"}; !slices.Equal(titles, want) {
		t.Errorf("the groups are %q", titles)
	}
	groups := map[string][]string{}
	for _, c := range root.Commands() {
		groups[c.GroupID] = append(groups[c.GroupID], c.Name())
	}
	if want := []string{"migrate", "queues", "stats", "verify"}; !slices.Equal(groups["store"], want) {
		t.Errorf("of the store are %q", groups["store"])
	}
	for _, name := range []string{"completion", "version"} {
		if !slices.Contains(groups["other"], name) {
			t.Errorf("others are %q, without %s", groups["other"], name)
		}
	}
	s := &shell{}
	if help := s.ok(t); strings.Contains(help, "Additional") || !strings.Contains(help, "\nStore:\n  migrate ") {
		t.Error(help)
	}
}

// Verify needs a URL, so it is not there for those who give a store.
func TestVerifyIsMounted(t *testing.T) {
	s := onSQLite(t)
	s.config.Verify = verify.Command
	s.fails(t, cli.ExitUsage, `unknown command "verify"`, "verify")
	s.config.Store = nil
	out := s.ok(t, "verify", "--run", "^MigrationNothingPending$", "--store", s.url)
	if !strings.Contains(out, "0 failed") {
		t.Error(out)
	}
	s.fails(t, cli.ExitUsage, `unexpected argument "x"`, "verify", "x")
	s.fails(t, cli.ExitUsage, "--run", "verify", "--run", "(", "--store", s.url)
}
