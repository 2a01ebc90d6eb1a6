package cli_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/cli"
	"github.com/fireflytasks/go-firefly/store"
)

func TestCompletionScripts(t *testing.T) {
	s := &shell{config: cli.Config{Name: "shop"}}
	for shell, want := range map[string]string{
		"bash":       "complete -o default -F __start_shop shop",
		"zsh":        "#compdef shop",
		"fish":       "complete -c shop ",
		"powershell": "Register-ArgumentCompleter -CommandName 'shop'",
	} {
		t.Run(shell, func(t *testing.T) {
			script := s.ok(t, "completion", shell)
			if !strings.Contains(script, want) {
				t.Errorf("there is no %q in\n%s", want, script)
			}
			if _, err := exec.LookPath(shell); err != nil || shell == "powershell" {
				return
			}
			check := exec.CommandContext(t.Context(), shell, "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	s.fails(t, cli.ExitUsage, "the shell's name is missing", "completion")
	s.fails(t, cli.ExitUsage, `no completion for "csh": use bash, zsh, fish or powershell`, "completion", "csh")
}

// completions returns what a shell offers for the last of the words.
func (s *shell) completions(t *testing.T, words ...string) string {
	t.Helper()
	r := s.run(t, append([]string{cobra.ShellCompNoDescRequestCmd}, words...)...)
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	if last := lines[len(lines)-1]; r.code != cli.ExitOK || last != ":4" { // 4: and no names of files
		t.Errorf("%q: exit code %d, directive %s", words, r.code, last)
	}
	return strings.Join(lines[:len(lines)-1], " ")
}

func TestCompletions(t *testing.T) {
	s := onSQLite(t)
	s.town(t)
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"queues", ""}, "list pause resume"},
		{[]string{"stats", "-o", ""}, "table json"},
		{[]string{"stats", "--output", ""}, "table json"},
		{[]string{"completion", ""}, "bash zsh fish powershell"},
		{[]string{"queues", "pause", ""}, "default mail reports"},
		{[]string{"queues", "resume", "mail", ""}, "default reports"},
	} {
		if got := s.completions(t, test.words...); got != test.want {
			t.Errorf("%q: %s, not %s", test.words, got, test.want)
		}
	}
	url := s.url
	s.config.Store = nil
	if got := s.completions(t, "queues", "pause", "--store", url, ""); got != "default mail reports" {
		t.Errorf("of a URL: %s", got)
	}
	if got := s.completions(t, "queues", "pause", "--store", "redis://"+gone(t)+"/0", ""); got != "" {
		t.Errorf("of a store that is not there: %s", got)
	}
}

// Commands get the completions of the flags that they have by these names, unless they have their own.
func TestCompletionsOfFlags(t *testing.T) {
	s := onSQLite(t)
	s.put(t, "mail", 1)
	own := cobra.FixedCompletions([]string{"mine"}, cobra.ShellCompDirectiveNoFileComp)
	for name, test := range map[string]struct {
		flag string
		want string
		own  bool
	}{
		"statuses": {"status", "created running completed failed cancelled", false},
		"queues":   {"queue", "mail", false},
		"its own":  {"queue", "mine", true},
	} {
		t.Run(name, func(t *testing.T) {
			sub := &cobra.Command{Use: "sub"}
			sub.Flags().StringSlice(test.flag, nil, "")
			if test.own {
				if err := sub.RegisterFlagCompletionFunc(test.flag, own); err != nil {
					t.Fatal(err)
				}
			}
			root := &cobra.Command{Use: "root"}
			root.AddCommand(sub)
			cli.CompleteFlags(root, store.Store(s.store))
			complete, ok := sub.GetFlagCompletionFunc(test.flag)
			if !ok {
				t.Fatal("there is none")
			}
			sub.SetContext(t.Context())
			values, directive := complete(sub, nil, "")
			if got := strings.Join(values, " "); got != test.want || directive != cobra.ShellCompDirectiveNoFileComp {
				t.Errorf("%s, directive %d", got, directive)
			}
		})
	}
}
