//go:build unix

package servers

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// processes returns the parent of every process that runs. Those that have ended, but were not
// waited for, are left out.
func processes() (map[int]int, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return processesByPS()
	}
	parents := make(map[int]int, len(stats))
	for _, name := range stats {
		line, err := os.ReadFile(name) //nolint:gosec // below /proc
		if err != nil {
			continue // it has just ended
		}
		// "12 (any (name)) S 1 ..."
		pid, rest := line[:max(0, bytes.IndexByte(line, ' '))], line[bytes.LastIndexByte(line, ')')+1:]
		add(parents, append([][]byte{pid}, bytes.Fields(rest)...))
	}
	return parents, nil
}

// processesByPS is for systems other than Linux.
func processesByPS() (map[int]int, error) {
	out, err := exec.CommandContext(context.Background(), "ps", "-A", "-o", "pid=", "-o", "stat=", "-o", "ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("ps: %w", err)
	}
	parents := map[int]int{}
	for line := range bytes.Lines(out) {
		add(parents, bytes.Fields(line))
	}
	return parents, nil
}

// add adds a process, of which the id, the state and the parent are given.
func add(parents map[int]int, fields [][]byte) {
	const dead = "ZX"
	if len(fields) < 3 || bytes.ContainsAny(fields[1][:1], dead) {
		return
	}
	pid, err := strconv.Atoi(string(fields[0]))
	parent, err2 := strconv.Atoi(string(fields[2]))
	if err == nil && err2 == nil {
		parents[pid] = parent
	}
}

// alive returns those of some processes that run.
func alive(pids ...int) ([]int, error) {
	parents, err := processes()
	var running []int
	for _, pid := range pids {
		if _, ok := parents[pid]; ok {
			running = append(running, pid)
		}
	}
	return running, err
}

// family returns a process, if it runs, and its children.
func family(pid int) ([]int, error) {
	running, err := alive(pid)
	if err != nil {
		return nil, err
	}
	parents, err := processes()
	for child, parent := range parents {
		if parent == pid {
			running = append(running, child)
		}
	}
	return running, err
}
