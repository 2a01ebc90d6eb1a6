package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const lines = `{"store":"redis","fault":"poison","strikes":3,"tasks":4000,"reruns":7,"recovery_ms":[3,5,2000]}
{"store":"redis","fault":"none","strikes":9,"tasks":1000,"recovery_ms":[90000]}
{"store":"redis","fault":"poison","strikes":1,"tasks":500,"doubled":1,"recovery_ms":[4]}
{"store":"mongo","fault":"failover","untested":"there is no replica"}
{"store":"redis","model_steps":10000}
{"store":"redis","histories":1000}
{"store":"mutants","killed":40,"mutants":41}
{"store":"storetest","killed":150,"mutants":150}
`

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "entries")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := publish(file, dir, "1700000000", ""); err != nil {
		t.Fatal(err)
	}
	var r report
	text, err := os.ReadFile(filepath.Join(dir, "proof.json"))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	redis := r.Stores["redis"]
	if redis.Tasks != 5500 || redis.Doubled != 1 || redis.Reruns != 7 || redis.Faults["poison"] != 4 || redis.Faults[calm] != 0 ||
		redis.RecoveryP50 != 5 || redis.RecoveryP99 != 2000 || redis.ModelSteps != 10_000 || redis.Histories != 1000 {
		t.Errorf("%+v", redis)
	}
	if r.Mutants != (score{190, 191}) || r.Stores["mongo"].Untested["failover"] == "" || r.Made != "2023-11-14 22:13" {
		t.Errorf("%+v", r)
	}
	page, err := os.ReadFile(filepath.Join(dir, "proof.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"190 of 191", "| `poison` |  |  |  | 4 × in 4,500 tasks; 7 ran again; 5 ms, 2.0 s |  |", "`failover` on mongo: there is no replica.",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// What the track record says finds a bug now must be there: a test, or a case of the kit.
func TestTrackRecordNamesTests(t *testing.T) {
	const root = "../../.."
	var source strings.Builder
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "storetest") || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // of this repository
		source.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, record, _ := strings.Cut(pageText, "## Track record")
	names := regexp.MustCompile("`((?:Test|Fuzz|Claim|Admin)[A-Za-z]+)`").FindAllStringSubmatch(record, -1)
	if len(names) < 10 {
		t.Errorf("%d names", len(names))
	}
	for _, n := range names {
		if !strings.Contains(source.String(), "func "+n[1]+"(") && !strings.Contains(source.String(), `name: "`+n[1]+`"`) {
			t.Errorf("there is no %s", n[1])
		}
	}
}

func TestPublishRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := publish(filepath.Join(dir, "missing"), dir, "1", ""); err == nil {
		t.Error("no error for a file that is not there")
	}
	if err := publish("", dir, "yesterday", ""); err == nil {
		t.Error("no error for a time that is none")
	}
}
