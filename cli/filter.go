package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/store"
)

const filterHelp = `
All conditions of a filter must be met; where one has several values, any of them will do.`

const allStatusNames = "created,running,completed,failed,cancelled"

// A filterFlags holds the conditions of a filter as the command line has them.
type filterFlags struct {
	cmd                          *cobra.Command
	ids, statuses, queues, names []string
	olderThan, errorText         string
}

// bindFilter gives a command the flags of a filter.
func bindFilter(cmd *cobra.Command) *filterFlags {
	f := &filterFlags{cmd: cmd}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.ids, "id", nil, "tasks with these `ids`: 5,7-20")
	flags.StringSliceVar(&f.statuses, "status", nil, "tasks of these `statuses`: "+allStatusNames)
	flags.StringSliceVar(&f.queues, "queue", nil, "tasks of these `queues`: mail,reports")
	flags.StringSliceVar(&f.names, "name", nil, "tasks of these `names`: shop.charge,shop.refund")
	flags.StringVar(&f.olderThan, "older-than", "",
		"tasks that finished, or if not over were created, so `long` ago on the store's clock: 7d12h")
	flags.StringVar(&f.errorText, "error", "", "tasks with this `text` in their last error")
	return f
}

// given returns the values of the conditions that the command line has, by the names of their flags.
func (f *filterFlags) given() map[string][]string {
	values := map[string][]string{
		"id": f.ids, "status": f.statuses, "queue": f.queues, "name": f.names, "older-than": {f.olderThan}, "error": {f.errorText},
	}
	maps.DeleteFunc(values, func(name string, _ []string) bool { return !f.cmd.Flags().Changed(name) })
	return values
}

// filter returns the filter, or an error with all that is wrong with it, and the faults that were
// found beside it.
//
// A condition that is given without a value is a fault: a variable of a script that is not set must
// not widen what is deleted.
func (f *filterFlags) filter(faults ...error) (store.Filter, error) {
	filter := store.Filter{Queues: f.queues, Names: f.names, ErrorText: f.errorText}
	given := f.given()
	var err error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch values := given[name]; {
		case len(values) == 0, slices.Contains(values, ""):
			faults = append(faults, fmt.Errorf("--%s has an empty value", name))
		case name == "id":
			filter.IDs, err = parseIDs(f.ids...)
			faults = append(faults, err)
		case name == "status":
			filter.Statuses, err = parseStatuses(f.statuses)
			faults = append(faults, err)
		case name == "older-than":
			filter.OlderThan, err = parseDuration(f.olderThan)
			if err == nil && filter.OlderThan <= 0 {
				err = fmt.Errorf("--older-than %s is not positive", f.olderThan)
			}
			faults = append(faults, err)
		}
	}
	faults = append(append(faults, checkNames("--queue", f.queues)...), checkNames("--name", f.names)...)
	return filter, store.Invalid("filter", faults...)
}

func checkNames(flag string, names []string) (faults []error) {
	for _, name := range names {
		if err := store.CheckName(name); err != nil && name != "" {
			faults = append(faults, fmt.Errorf("%s %w", flag, err))
		}
	}
	return faults
}

func parseStatuses(names []string) (statuses []store.Status, err error) {
	var faults []error
	for _, name := range names {
		s := store.Status(name)
		if !s.Valid() {
			faults = append(faults, fmt.Errorf("%q is none of %s", name, allStatusNames))
		}
		statuses = append(statuses, s)
	}
	return statuses, store.Invalid("--status", faults...)
}
