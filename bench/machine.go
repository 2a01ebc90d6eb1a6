package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// machine describes what is measured on: "Intel(R) Xeon(R) Processor, 2 cores, 24 GiB, ...".
func machine() string {
	kib, _ := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal:"), " kB"), 64)
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d cores, %.0f GiB, %s, Linux %s, %s",
		strings.TrimPrefix(strings.TrimSpace(field("/proc/cpuinfo", "model name")), ": "), runtime.NumCPU(), kib/(1<<20),
		strings.Trim(field("/etc/os-release", "PRETTY_NAME="), `"`), strings.TrimSpace(string(kernel)), runtime.Version())
}

// field returns what follows a name at the start of a line, the first of them.
func field(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
