package repo_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the module's folder, seen from this package's.
const root = "../.."

// read returns the lines of a file, named from the root.
func read(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// files returns the names, from the root, of all files with an extension.
func files(t *testing.T, extension string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if filepath.Ext(name) == extension {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("no %s files below the root", extension)
	}
	return names
}

func TestFilesAreShort(t *testing.T) {
	const most = 300
	for _, name := range files(t, ".go") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if n := len(read(t, name)); n > most {
			t.Errorf("%s has %d lines, more than %d: a file is for one idea", name, n, most)
		}
	}
}

func TestNoTestSleeps(t *testing.T) {
	const sleep = "time." + "Sleep(" // in two parts, for this very file
	for _, name := range files(t, ".go") {
		if !strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "storetest/") {
			continue
		}
		for i, line := range read(t, name) {
			if strings.Contains(line, sleep) {
				t.Errorf("%s:%d sleeps: use testing/synctest or the store's clock", name, i+1)
			}
		}
	}
}

func TestRulesAreNumberedInOrder(t *testing.T) {
	const atLeast = 19 // rules are added, never taken away: conformance cases cite them
	rule := regexp.MustCompile(`^// +(\d+)\. `)
	last := 0
	for _, line := range read(t, "store/doc.go") {
		m := rule.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if m[1] != strconv.Itoa(last+1) {
			t.Errorf("rule %s follows rule %d", m[1], last)
		}
		last++
	}
	if last < atLeast {
		t.Errorf("%d rules, want at least %d", last, atLeast)
	}
}

func TestMakeHelpListsEveryTarget(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	help := exec.CommandContext(t.Context(), "make", "--no-print-directory")
	help.Dir = root
	help.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") })
	out, err := help.Output()
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, description, _ := strings.Cut(line, " "); strings.TrimSpace(description) != "" {
			described[name] = true
		}
	}
	target := regexp.MustCompile(`^([A-Za-z0-9_/][A-Za-z0-9_./-]*) *:([^=]|$)`)
	targets := 0
	for _, line := range read(t, "Makefile") {
		m := target.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		targets++
		if !described[m[1]] {
			t.Errorf("make help does not describe the target %s", m[1])
		}
	}
	if targets == 0 {
		t.Error("no targets found in the Makefile")
	}
}
