package main

import (
	_ "embed"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"text/template"
)

//go:embed page.md.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"number": number,
	"add":    func(a, b int) int { return a + b },
	"cell":   func(s string) string { return strings.ReplaceAll(s, "|", "\\|") },
}).Parse(pageText))

// A page is what its template shows.
type page struct {
	Runs    []origin // the distinct ones; more than one if stores were measured apart
	Targets []judged
	Stores  []section
	Charts  []chart // of growth
}

// A section is a store's.
type section struct {
	Name   string
	Chart  string
	Rows   []line
	Runs   []int // numbers of those in which it was measured
	Server string
}

// A line is a row, and shows what the one before has not said already.
type line struct {
	row
	Run    int
	First  bool // of its case and setting
	PeerBy string
}

// judged is a verdict in words.
type judged struct {
	Store, What, Goal, Value, Verdict, Why string
}

func writePage(file string, rows []row, charts []chart) error {
	p := page{}
	for _, c := range charts {
		if c.Store == "" {
			p.Charts = append(p.Charts, c)
		}
	}
	for _, t := range targets {
		p.Targets = append(p.Targets, t.judge(rows).words())
	}
	for _, store := range slices.Sorted(maps.Keys(backends)) {
		s := section{Name: store}
		if i := slices.IndexFunc(charts, func(c chart) bool { return c.Store == store }); i >= 0 {
			s.Chart = charts[i].File
		}
		last := row{}
		for _, r := range rows {
			if r.Store != store {
				continue
			}
			run := p.run(r.origin)
			if !slices.Contains(s.Runs, run) {
				s.Runs = append(s.Runs, run)
			}
			first := r.Case != last.Case || r.FireflySetting != last.FireflySetting
			s.Rows, last, s.Server = append(s.Rows, line{r, run, first, r.peerBy()}), r, r.Server
		}
		if len(s.Rows) > 0 {
			p.Stores = append(p.Stores, s)
		}
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	return errors.Join(pageTemplate.Execute(out, p), out.Close())
}

// run numbers what rows come from, from 1 on.
func (p *page) run(o origin) int {
	if i := slices.Index(p.Runs, o); i >= 0 {
		return i + 1
	}
	p.Runs = append(p.Runs, o)
	return len(p.Runs)
}

// words says what was asked for and how it came out.
func (v verdict) words() judged {
	unit := number
	switch v.of {
	case toPeer:
		unit = func(x float64) string { return number(x) + " ×" }
	case toLimit, toOwnCase:
		unit = func(x float64) string { return number(x*100) + " %" }
	case figure:
	}
	why := whys[[2]string{v.store, v.what}]
	j := judged{Store: v.store, What: v.what, Goal: "at most " + unit(v.bound), Value: unit(v.value), Verdict: "**not met**", Why: why}
	if v.atLeast() {
		j.Goal = "at least " + unit(v.bound)
	}
	switch {
	case !v.measured:
		j.Value, j.Verdict, j.Why = "", "not measured", ""
	case v.met:
		j.Verdict, j.Why = "met", ""
	case why == "":
		j.Why = "not yet explained"
	}
	if v.measured && v.row.Scale != 1 {
		j.Verdict += ", at scale " + number(v.row.Scale)
	}
	return j
}
