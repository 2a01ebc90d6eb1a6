package main

import (
	_ "embed"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed page.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"names":  func() []string { return names },
	"faults": (*report).faults,
	"cell":   cellText,
	"number": thousands,
	"ms":     milliseconds,
	"took":   func(seconds int64) string { return (time.Duration(seconds) * time.Second).Round(time.Minute).String() },
	"reruns": func(t *total) string { return fmt.Sprintf("%.2f", over(t.Reruns, t.strikes())) },
	"struck": func(t *total) string { return thousands(t.strikes()) },
}).Parse(pageText))

func (t *total) strikes() (n int) {
	for _, k := range t.Faults {
		n += k
	}
	return n
}

func over(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// cellText is what the page shows of a fault on a store.
func cellText(t *total, fault string) string {
	c := t.cells[fault]
	switch {
	case c == nil && t.Untested[fault] == "":
		return ""
	case c == nil:
		return "not tested"
	case fault == calm:
		return thousands(c.Tasks) + " tasks"
	}
	return fmt.Sprintf("%d × in %s tasks; %s ran again; %s, %s",
		c.Strikes, thousands(c.Tasks), thousands(c.Reruns), milliseconds(c.P50), milliseconds(c.P99))
}

func milliseconds(ms float64) string {
	if ms < 1000 {
		return strconv.Itoa(int(ms+.5)) + " ms"
	}
	return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
}

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// machine says where this runs.
func machine() string {
	model := "unknown processor"
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s/%s", model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
