// Bench measures Firefly beside its peers: see README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveMongo {
		if err := beMongo(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: the server:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context) error {
	all := strings.Join(slices.Sorted(maps.Keys(backends)), ",")
	var p plan
	stores := flag.String("store", all, "the databases to measure on, separated by commas")
	cases := flag.String("case", "", "the cases to measure, separated by commas; unless given, those that are not only on request")
	flag.IntVar(&p.rounds, "rounds", 3, "how often each is measured; the median counts")
	flag.Float64Var(&p.size.scale, "scale", 1, "how much there is to do, as a share of the full size")
	flag.DurationVar(&p.size.soak, "for", time.Hour, "how long the case soak takes")
	flag.BoolVar(&p.short, "short", false, "the most telling cases, once, with one setting each, as -rounds 1 -scale 0.05")
	flag.StringVar(&p.only, "only", "", "nothing else than this contender, and setting: 'Firefly: defaults', say; nothing is written")
	docs := flag.String("docs", "../docs", "the folder of benchmarks.json and benchmarks.md, to merge the results into; empty is none")
	profile := flag.String("cpuprofile", "", "a file to write a CPU profile to; what is measured has the tag measured=yes")
	flag.Parse()
	if p.short {
		p.rounds, p.size.scale = 1, .05
	}
	if p.only != "" {
		*docs = ""
	}
	chosen, err := choose(*cases, p.short)
	if err != nil {
		return err
	}
	stop, err := startProfile(*profile)
	if err != nil {
		return err
	}
	defer stop()
	rows, err := p.measure(ctx, strings.Split(*stores, ","), chosen, func(rows []row) error {
		if *docs == "" || len(rows) == 0 {
			return nil
		}
		return publish(*docs, rows)
	})
	return errors.Join(err, table(os.Stdout, rows))
}

// choose returns the cases that are named, or those that are usual.
func choose(names string, short bool) (all []benchmark, err error) {
	if names == "" {
		return slices.DeleteFunc(slices.Clone(benchmarks), func(b benchmark) bool {
			return b.when == onRequest || short && b.when != quick
		}), nil
	}
	for name := range strings.SplitSeq(names, ",") {
		b, err := benchmarkNamed(name)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}

// startProfile starts a CPU profile, if there is a file for it.
func startProfile(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
