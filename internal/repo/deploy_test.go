package repo_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const unit = "docs/systemd/firefly-worker.service"

// The unit is one that systemd understands, where there is one, and keeps what docs/operations.md says.
func TestSystemdUnit(t *testing.T) {
	lines := read(t, unit)
	for _, line := range []string{"KillMode=mixed", "TimeoutStopSec=45s", "Restart=always", "StartLimitIntervalSec=0", "RestartPreventExitStatus=2"} {
		if !contains(lines, []string{line}) {
			t.Errorf("no line %s", line)
		}
	}
	setting := regexp.MustCompile(`^[A-Z][A-Za-z]+=\S`)
	section := regexp.MustCompile(`^\[(Unit|Service|Install)\]$`)
	for i, line := range lines {
		if line != "" && !strings.HasPrefix(line, "#") && !setting.MatchString(line) && !section.MatchString(line) {
			t.Errorf("line %d is neither a setting nor a section: %s", i+1, line)
		}
	}

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	installed := strings.ReplaceAll(strings.Join(lines, "\n"), "/usr/local/bin/firefly", self) // it must be there
	path := filepath.Join(t.TempDir(), filepath.Base(unit))
	if err := os.WriteFile(path, []byte(installed), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", path).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("%v\n%s", err, out)
	}
}

// The image holds a static binary, made by a Go that is new enough, and does not run it as root.
// scripts/run-cli tries the command that builds it.
func TestDockerfile(t *testing.T) {
	dockerfile := strings.Join(read(t, "Dockerfile"), "\n")
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(strings.Join(read(t, "go.mod"), "\n"))
	if language == nil {
		t.Fatal("go.mod names no version of Go")
	}
	for _, want := range []string{
		`^FROM golang:` + regexp.QuoteMeta(language[1]) + ` AS build$`,
		`^RUN CGO_ENABLED=0 go build .* \./cmd/firefly$`,
		`^FROM gcr\.io/distroless/static-debian12$`,
		`^USER [1-9]\d*:[1-9]\d*$`,
		`^ENTRYPOINT \["/firefly"\]$`,
	} {
		if !regexp.MustCompile(`(?m)` + want).MatchString(dockerfile) {
			t.Errorf("no line that matches %s", want)
		}
	}
}
