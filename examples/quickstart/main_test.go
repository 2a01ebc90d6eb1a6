package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// envMain makes this process the quick start itself.
const envMain = "FIREFLY_QUICKSTART"

func TestMain(m *testing.M) {
	if os.Getenv(envMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func quickstart(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), envMain+"=1")
	return cmd
}

const transcript = `math.add(1, 3) = 4
math.add(20, 22) = 42, with an ETA in a second; before it: false
demo.flaky worked after 2 retries
user.sign_up(ada) = 1
user.sign_up(bob) failed: the card was declined
rows of users: 1, greetings: 1
mail.greet says: welcome, ada
`

func TestTranscript(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // it leaves nothing behind, so the second time is as the first
		out, err := quickstart(t, dir).Output()
		if err != nil || string(out) != transcript {
			t.Fatalf("error %v, transcript:\n%s", err, out)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
			t.Fatalf("left behind: %v", left)
		}
	}
}

// Killed after its n-th line, it goes on when it is run again, and everything is done once.
func TestKilledHalfWay(t *testing.T) {
	for lines := 1; lines <= 6; lines += 2 {
		dir := t.TempDir()
		killed := quickstart(t, dir)
		pipe, err := killed.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		out := bufio.NewReader(pipe)
		for range lines {
			if _, err := out.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		_ = killed.Process.Kill()
		_, _ = io.Copy(io.Discard, out)
		_ = killed.Wait()

		again, err := quickstart(t, dir).Output()
		if err != nil {
			t.Fatal(err)
		}
		went, rest, _ := strings.Cut(string(again), "\n")
		if !strings.Contains(went, "going on") || rest != transcript {
			t.Fatalf("killed after %d lines, then:\n%s", lines, again)
		}
	}
}
