package open_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/open"
)

// The tables in docs/stores.md name the schemes and the parameters that there are, each with the
// schemes that have it.
func TestDocuments(t *testing.T) {
	text, err := os.ReadFile("../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## By URL\n")
	section, _, _ = strings.Cut(section, "\n## ")

	documented := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z+]+):").FindAllStringSubmatch(section, -1) {
		documented[m[1]] = nil
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(firefly_[a-z_]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(section, -1) {
		for scheme := range documented {
			has := func(of string) bool { return of == "all" || strings.HasPrefix(scheme, of) }
			if slices.ContainsFunc(strings.Split(m[2], ", "), has) {
				documented[scheme] = append(documented[scheme], m[1])
			}
		}
	}
	all := open.Parameters()
	for scheme, parameters := range all {
		if got, found := documented[scheme]; !found || !sameSet(got, parameters) {
			t.Errorf("%s has %v, the document says %v", scheme, parameters, got)
		}
	}
	for scheme := range documented {
		if _, found := all[scheme]; !found {
			t.Errorf("the document has a scheme %s", scheme)
		}
	}
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
