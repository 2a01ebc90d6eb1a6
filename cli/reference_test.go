package cli_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/fireflytasks/go-firefly/cli"
)

// TestDocsReference compares docs/cli.md with what the commands say of themselves. With -update it is
// written anew: make docs.
func TestDocsReference(t *testing.T) {
	const path = "../docs/cli.md"
	got := reference(standAlone())
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("docs/cli.md is not what the commands say: run make docs")
	}
}

const referenceHead = "<!-- Written by \"make docs\" from the commands' own help. What is changed here by hand gets lost. -->\n" + `
# Commands

` + "`firefly`" + ` is the program of ` + "`cmd/firefly`" + `. An application mounts the same commands in its own binary, with
package ` + "[`cli`](../cli/doc.go)" + `: then ` + "`consume`" + ` runs its handlers.

What is read is printed as a table for people, or with ` + "`-o json`" + ` for programs. Notes and errors go to
the error stream, an error in one line. No message shows a store's password.

`

const referenceStore = `## The store

The first of these that is given names the store, by a URL:

1. ` + "`--store`" + `
2. the environment variable ` + "`FIREFLY_STORE`" + `, which other users of the machine do not see as they see arguments
3. the application's own, where the commands are part of one
4. a SQLite file in the user's data directory: ` + "`$XDG_DATA_HOME/firefly/firefly.db`, or `~/.local/share/firefly/firefly.db`" + `

[All URLs and their parameters](stores.md#by-url) are with the stores. For example:

` + "```text" + `
sqlite:tasks.db
postgres://user:password@host/db
redis://host:6379/0
redis+cluster://host,host
mongodb://host/db
memory://
` + "```" + `

## Environment

| Variable | Meaning |
|---|---|
| ` + "`FIREFLY_STORE`" + ` | the store's URL, unless --store gives one |
| ` + "`XDG_DATA_HOME`" + ` | where the default store's folder is |
| ` + "`NO_COLOR`" + ` | if it is not empty, nothing is coloured on a terminal |
| ` + "`TERM`" + ` | if it is ` + "`dumb`" + `, nothing is coloured or drawn in its place either |

`

// reference is the page of all commands below root.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, g := range root.Groups() {
		var entries strings.Builder
		for _, c := range tree(root)[1:] {
			if groupOf(c) == g.ID && !c.HasSubCommands() {
				anchor := strings.ReplaceAll(c.CommandPath(), " ", "-")
				fmt.Fprintf(&entries, "- [%s](#%s): %s\n", c.CommandPath(), anchor, lower(c.Short))
			}
		}
		if entries.Len() > 0 {
			fmt.Fprintf(&b, "**%s**\n\n%s\n", strings.TrimSuffix(g.Title, ":"), entries.String())
		}
	}
	b.WriteString(referenceStore)
	b.WriteString("## Exit codes\n\n| Code | Meaning |\n|---:|---|\n")
	for _, e := range cli.ExitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.Code, e.Meaning)
	}
	b.WriteString("\n## Flags of all commands\n\n")
	writeFlags(&b, root.PersistentFlags())
	for _, c := range tree(root)[1:] {
		writeCommand(&b, c)
	}
	return b.String()
}

// groupOf is the group of the command below the root that c is, or is in.
func groupOf(c *cobra.Command) string {
	for c.Parent().HasParent() {
		c = c.Parent()
	}
	return c.GroupID
}

func lower(sentence string) string { return strings.ToLower(sentence[:1]) + sentence[1:] }

func writeCommand(b *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	text := strings.TrimSpace(c.Long)
	if text == "" {
		text = c.Short + "."
	}
	b.WriteString(outside(text))
	if !c.HasSubCommands() {
		fmt.Fprintf(b, "\n\n```text\n%s\n```\n\n```sh\n%s\n```", c.UseLine(), unindent(c.Example))
	}
	b.WriteByte('\n')
	if c.HasAvailableLocalFlags() {
		b.WriteByte('\n')
		writeFlags(b, c.LocalNonPersistentFlags())
	}
}

// outside returns a help's text as Markdown: what is indented in it is a block.
func outside(text string) string {
	var lines []string
	block := false
	for line := range strings.SplitSeq(text, "\n") {
		if indented := strings.HasPrefix(line, "  "); indented != block {
			block = indented
			if block && len(lines) > 0 && lines[len(lines)-1] != "" {
				lines = append(lines, "")
			}
			lines = append(lines, "```"+map[bool]string{true: "text"}[block])
			if !block && line != "" {
				lines = append(lines, "")
			}
		}
		lines = append(lines, strings.TrimPrefix(line, "  "))
	}
	if block {
		lines = append(lines, "```")
	}
	return strings.Join(lines, "\n")
}

func unindent(example string) string {
	return strings.TrimPrefix(strings.ReplaceAll(strings.Trim(example, "\n"), "\n  ", "\n"), "  ")
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| Flag | Default | Meaning |\n|---|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		initial := "`" + f.DefValue + "`"
		if slices.Contains([]string{"", "false", "[]", "0", "0s"}, f.DefValue) {
			initial = ""
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, initial, strings.ReplaceAll(usage, "|", `\|`))
	})
}

func TestIndentedHelpIsABlock(t *testing.T) {
	for text, want := range map[string]string{
		"one\ntwo":             "one\ntwo",
		"so:\n  a\n    b\nend": "so:\n\n```text\na\n  b\n```\n\nend",
		"so:\n\n  a":           "so:\n\n```text\na\n```",
	} {
		if got := outside(text); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}
