package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// A plan is how to measure.
type plan struct {
	rounds int
	short  bool
	only   string // how the names of contender and setting begin: "Firefly: defaults"; empty is all
	size   size
}

// measure measures cases on databases, and hands on the rows of each of these. What could not be measured
// is an error beside the rows of all that could.
func (p plan) measure(
	ctx context.Context, stores []string, cases []benchmark, keep func([]row) error,
) (rows []row, err error) {
	began := time.Now()
	for _, store := range stores {
		start, ok := backends[store]
		if !ok {
			return rows, errors.Join(err, fmt.Errorf("there is no store %q", store))
		}
		b, e := start(ctx)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", store, e))
			continue
		}
		more, e := p.measureOn(ctx, b, store, began, cases)
		b.close()
		rows, err = append(rows, more...), errors.Join(err, e, keep(more))
	}
	return rows, err
}

func (p plan) measureOn(ctx context.Context, b backend, store string, began time.Time, cases []benchmark) (rows []row, err error) {
	about, err := b.about(ctx)
	if err != nil {
		return nil, err
	}
	p.size.scale *= about.scale
	is := origin{Store: store, Scale: p.size.scale, Rounds: p.rounds, Run: began.UTC().Format("2006-01-02 15:04"),
		Machine: machine(), Server: about.server}
	for _, bench := range cases {
		if bench.name == "sustained" && len(b.contenders()[0].settingsOf(bench)) > 0 {
			if p.size.pace, err = pace(ctx, b, p.size); err != nil {
				return rows, err
			}
		}
		r, e := p.run(ctx, b, bench)
		if ctx.Err() != nil {
			return rows, errors.Join(err, ctx.Err())
		}
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", store, e))
			continue
		}
		rows = append(rows, r.rows(is)...)
	}
	return rows, err
}

// worthwhile is what a setting has to reach in the first round, as a share of its contender's best,
// to be measured again. Machines are noisy: a setting that is close may be the better one.
const worthwhile = .6

// A series is what was measured with one setting, round after round.
type series struct {
	setting setting
	rounds  map[string][]float64 // by metric
	failed  bool
}

// fail notes that a contender cannot do it, or not in time, with this setting.
func (s *series) fail() {
	s.failed, s.rounds = true, map[string][]float64{}
	s.setting.name += ": failed"
}

func (s *series) median(metric string) float64 { return median(s.rounds[metric]) }

// A result is a case's: for each contender its series, the best first.
type result struct {
	benchmark benchmark
	names     []string
	series    [][]*series
	defaults  *series // Firefly's first setting
}

// contest is who takes part in a case, and how. It is nobody if Firefly does not.
func (p plan) contest(b backend, bench benchmark) *result {
	r := &result{benchmark: bench}
	for _, c := range b.contenders() {
		var all []*series
		for _, s := range c.settingsOf(bench) {
			if strings.HasPrefix(c.name+": "+s.name, p.only) {
				all = append(all, &series{setting: s, rounds: map[string][]float64{}})
			}
		}
		if p.short {
			all = all[:min(1, len(all))]
		}
		if r.names == nil && len(c.settingsOf(bench)) == 0 {
			return r
		}
		r.names, r.series = append(r.names, c.name), append(r.series, all)
	}
	if len(r.series[0]) > 0 {
		r.defaults = r.series[0][0]
	}
	return r
}

// run measures a case: in each round all contenders in turn, setting by setting. That a peer fails does
// not end it.
func (p plan) run(ctx context.Context, b backend, bench benchmark) (*result, error) {
	r := p.contest(b, bench)
	most := 0
	for _, all := range r.series {
		most = max(most, len(all))
	}
	for round := range p.rounds {
		for i := range most {
			for j, c := range b.contenders() {
				if i >= len(r.series[j]) || round > 0 && !r.again(r.series[j][i], j) {
					continue
				}
				fmt.Fprintf(os.Stderr, "%s %d/%d  ", bench.name, round+1, p.rounds)
				err := p.add(ctx, b, c, bench, r.series[j][i])
				if err != nil && (j == 0 || ctx.Err() != nil) {
					return nil, err
				}
			}
		}
		for _, all := range r.series {
			slices.SortStableFunc(all, bench.compare)
		}
	}
	return r, nil
}

// again reports whether a setting is worth another round.
func (r *result) again(s *series, contender int) bool {
	return !s.failed && (s == r.defaults || r.benchmark.close(s, r.series[contender][0]))
}

// add measures a contender once.
func (p plan) add(ctx context.Context, b backend, c contender, bench benchmark, s *series) error {
	fmt.Fprintf(os.Stderr, "%s: %s  ", c.name, s.setting.name)
	m, err := once(ctx, b, c, bench, s.setting, p.size)
	if err != nil {
		err = fmt.Errorf("%s, %s (%s): %w", bench.name, c.name, s.setting.name, err)
		fmt.Fprintln(os.Stderr, "failed:", err)
		s.fail()
		return err
	}
	fmt.Fprintln(os.Stderr, number(m[bench.metrics[0]]), bench.metrics[0])
	for metric, value := range m {
		s.rounds[metric] = append(s.rounds[metric], value)
	}
	return nil
}

// compare orders series, the better first. Those that were given up come last.
func (bench benchmark) compare(a, b *series) int {
	first := bench.metrics[0]
	if rounds := cmp.Compare(len(b.rounds[first]), len(a.rounds[first])); rounds != 0 {
		return rounds
	}
	if moreIsBetter(first) {
		a, b = b, a
	}
	return cmp.Compare(a.median(first), b.median(first))
}

// close reports whether a series may turn out better than the best.
func (bench benchmark) close(s, best *series) bool {
	first := bench.metrics[0]
	if moreIsBetter(first) {
		s, best = best, s
	}
	return s.median(first)*worthwhile <= best.median(first)
}
