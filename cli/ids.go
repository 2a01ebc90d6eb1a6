package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fireflytasks/go-firefly/store"
)

const maxIDs = 10_000 // that a command takes: a range is easily a digit too long

// parseIDs reads ids and ranges of ids, "5,7-20", and returns each id once, lowest first. Its error
// names every fault.
func parseIDs(texts ...string) ([]int64, error) {
	var ids []int64
	var faults []error
	for part := range strings.SplitSeq(strings.Join(texts, ","), ",") {
		first, last, err := parseRange(strings.TrimSpace(part))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if last-first >= int64(maxIDs-len(ids)) {
			return nil, fmt.Errorf("more than %s ids: name fewer, or use other conditions", grouped(maxIDs))
		}
		for n := range last - first + 1 {
			ids = append(ids, first+n)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), store.Invalid("ids", faults...)
}

func parseRange(text string) (first, last int64, err error) {
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		first, err = parseID(text)
		return first, first, err
	}
	first, lowErr := parseID(low)
	last, highErr := parseID(high)
	if lowErr != nil || highErr != nil || first > last {
		return 0, 0, fmt.Errorf("%q is no range of ids: give the lower one first, as in 7-20", text)
	}
	return first, last, nil
}

// idsOf reads the ids that a command has as arguments.
func idsOf(args []string) ([]int64, error) {
	ids, err := parseIDs(args...)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return ids, nil
}
