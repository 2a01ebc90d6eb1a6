package storetest

import (
	"context"
	"errors"
	"slices"
)

// A Step is one call of a walk, by its name, see [Calls]. What its numbers mean depends on the call
// and on what there is at that point. So a walk of which steps are taken out is still a walk.
type Step struct {
	Call string
	A, B uint32
}

// Calls returns the names of a walk's calls, each as often as it comes in a walk of a hundred steps
// or so.
func Calls() []string {
	var urn []string
	for _, c := range walkCalls {
		urn = append(urn, slices.Repeat([]string{c.call}, c.odds)...)
	}
	return urn
}

// Steps takes steps in a store of its own, in lockstep with a plain model, as [Walk] takes random
// ones, and returns what went wrong. It is for what makes up walks, and shrinks those that fail. A
// step whose name is none of [Calls] does nothing. Like [Check] it runs outside of go test, and ends
// early when ctx does.
func Steps(ctx context.Context, h Harness, steps []Step) error {
	if h.Open == nil || h.Advance == nil {
		return errIncomplete
	}
	c := modelCases[0]
	c.run = func(t *T) { newWalker(t).take(steps) }
	result, err := c.checkAlone(ctx, h, false, hangs)
	if err == nil && result.Outcome == Failed {
		err = errors.New(result.Log)
	}
	return err
}
