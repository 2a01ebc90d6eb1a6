package cli

import (
	"slices"

	"github.com/spf13/cobra"
)

// The groups of the root's commands, in the order of its help. What is in none of them is in the last.
var groups = []struct {
	id, title string
	commands  []string
}{
	{"tasks", "Tasks:", []string{"schedule", "wait", "consume", "tasks"}},
	{"store", "Store:", []string{"queues", "stats", migrateName, "verify"}},
	{"other", "Other:", nil},
}

func group(root *cobra.Command) {
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range root.Commands() {
			if slices.Contains(g.commands, c.Name()) || c.GroupID == "" && g.commands == nil {
				c.GroupID = g.id
			}
		}
	}
	root.SetHelpCommandGroupID("other")
}
