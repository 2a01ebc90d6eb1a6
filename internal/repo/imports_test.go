package repo_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fireflytasks/go-firefly"

// A goPackage is a package as go list shows it, without its tests.
type goPackage struct {
	ImportPath string
	Standard   bool
	Deps       []string // all that it imports, directly or not
}

// packages returns the module's packages and all that they depend on, by import path.
func packages(t *testing.T) map[string]goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Deps", "./...")
	list.Dir = root
	var stderr strings.Builder
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", list, err, stderr.String())
	}
	found := map[string]goPackage{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p
	}
}

// ours returns a package's path below the module, and whether it is of this module.
func ours(importPath string) (string, bool) { return strings.CutPrefix(importPath, module+"/") }

// matches understands the go command's patterns: a/... is a and all below it.
func matches(pattern, path string) bool {
	dir, below := strings.CutSuffix(pattern, "/...")
	return path == dir || below && strings.HasPrefix(path, dir+"/")
}

func TestCoreNeedsOnlyTheStandardLibrary(t *testing.T) {
	all := packages(t)
	for _, name := range []string{"firefly", "store", "store/memory", "storetest", "fireflytest"} {
		t.Run(name, func(t *testing.T) {
			p, ok := all[module+"/"+name]
			if !ok {
				t.Fatal("there is no such package")
			}
			for _, dep := range p.Deps {
				if _, own := ours(dep); !own && !all[dep].Standard {
					t.Errorf("it depends on %s", dep)
				}
			}
		})
	}
}

func TestImportsPointDown(t *testing.T) {
	all := packages(t)
	type rule struct {
		from string   // of several, that which names a package by itself is the one for it
		may  []string // import, of this module
	}
	rules := []rule{
		{"store", nil},
		{"store/...", []string{"store/...", "internal/..."}},
		{"storetest/...", []string{"storetest/...", "store", "internal/..."}},
		{"firefly/...", []string{"firefly/...", "store", "internal/..."}},
		{"open/...", []string{"open/...", "store/...", "internal/..."}},
		{"cli/...", []string{"cli/...", "firefly", "open", "store/...", "internal/..."}},
		{"cli/verify", []string{"open", "store/...", "storetest", "internal/..."}},
		{"fireflytest/...", []string{"fireflytest/...", "firefly", "store", "store/memory"}},
	}
	for _, r := range rules {
		t.Run(r.from, func(t *testing.T) {
			for importPath, p := range all {
				path, own := ours(importPath)
				special := r.from != path && slices.ContainsFunc(rules, func(r rule) bool { return r.from == path })
				if !own || special || !matches(r.from, path) {
					continue
				}
				for _, dep := range p.Deps {
					target, own := ours(dep)
					if own && !slices.ContainsFunc(r.may, func(may string) bool { return matches(may, target) }) {
						t.Errorf("%s depends on %s", path, target)
					}
				}
			}
		})
	}
}
