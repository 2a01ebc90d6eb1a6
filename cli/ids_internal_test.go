package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func FuzzIDs(f *testing.F) {
	f.Add("5,7-20")
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := parseIDs(text)
		if err != nil {
			return
		}
		if len(ids) == 0 || len(ids) > maxIDs || ids[0] < 1 || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
			t.Fatalf("%q: %v", text, ids)
		}
		for part := range strings.SplitSeq(text, ",") {
			first, last, err := parseRange(strings.TrimSpace(part))
			if err != nil {
				t.Fatalf("%q was read although %v", text, err)
			}
			if at, found := slices.BinarySearch(ids, first); !found || ids[at+int(last-first)] != last {
				t.Fatalf("%q: %d-%d is not all there: %v", text, first, last, ids)
			}
		}
		again, err := parseIDs(strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]"))
		if err != nil || !slices.Equal(again, ids) {
			t.Fatalf("%q: %v, and again %v, error %v", text, ids, again, err)
		}
	})
}
