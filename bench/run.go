package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// worthwhile is what a setting has to reach in the first round, as a share of its contender's best,
// to be measured again. Machines are noisy: a setting that is close may be the better one.
const worthwhile = .6

// A series is what was measured with one setting, round after round.
type series struct {
	setting setting
	rounds  map[string][]float64 // by metric
}

func (s *series) median(metric string) float64 { return median(s.rounds[metric]) }

// A result is a case's: for each contender its series, the best first.
type result struct {
	benchmark benchmark
	store     string
	names     []string
	series    [][]*series
	defaults  *series // Firefly's first setting
}

// A plan is what to measure.
type plan struct {
	store  string
	rounds int
	only   string // how the names of contender and setting begin: "Firefly: defaults"; empty is all
	size   size
}

// run measures a case: in each round all contenders in turn, setting by setting.
func run(ctx context.Context, b backend, bench benchmark, p plan) (*result, error) {
	r := &result{benchmark: bench, store: p.store}
	most := 0
	for _, c := range b.contenders() {
		var all []*series
		for _, s := range c.settings[bench.name] {
			if strings.HasPrefix(c.name+": "+s.name, p.only) {
				all = append(all, &series{s, map[string][]float64{}})
			}
		}
		r.names, r.series = append(r.names, c.name), append(r.series, all)
		most = max(most, len(all))
	}
	if len(r.series[0]) > 0 {
		r.defaults = r.series[0][0]
	}
	for round := range p.rounds {
		for i := range most {
			for j, c := range b.contenders() {
				if i >= len(r.series[j]) {
					continue
				}
				s := r.series[j][i]
				if round > 0 && s != r.defaults && !bench.close(s, r.series[j][0]) {
					continue
				}
				m, err := once(ctx, b, c, bench, s.setting, p.size)
				if err != nil {
					return nil, fmt.Errorf("%s, %s (%s): %w", bench.name, c.name, s.setting.name, err)
				}
				for metric, value := range m {
					s.rounds[metric] = append(s.rounds[metric], value)
				}
				first := bench.metrics[0]
				fmt.Fprintf(os.Stderr, "%s %d/%d  %s: %s  %s %s\n",
					bench.name, round+1, p.rounds, c.name, s.setting.name, number(m[first]), first)
			}
		}
		for _, all := range r.series {
			slices.SortStableFunc(all, bench.compare)
		}
	}
	return r, nil
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

// once measures a contender on an empty database.
func once(ctx context.Context, b backend, c contender, bench benchmark, how setting, size size) (m map[string]float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := b.reset(ctx); err != nil {
		return nil, err
	}
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	debug.FreeOSMemory() // what went before is not to be collected now
	return bench.measure(ctx, b, s, how, size)
}

// pace returns half of the rate at which the peer runs tasks, for the case sustained.
func pace(ctx context.Context, b backend, scale float64) (float64, error) {
	peer := b.contenders()[1]
	settings := peer.settings["drain"]
	m, err := once(ctx, b, peer, benchmark{measure: drainAll}, settings[len(settings)-1], size{scale: scale / 2})
	return m[rate] / 2, err
}
