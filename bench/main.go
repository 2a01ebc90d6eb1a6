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
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveMongo {
		if err := beMongo(); err != nil {
			fmt.Fprintln(os.Stderr, "bench: the server:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := measure(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context) error {
	var names []string
	for _, b := range benchmarks {
		names = append(names, b.name)
	}
	all := strings.Join(slices.Sorted(maps.Keys(backends)), ",")
	stores := flag.String("store", all, "the databases to measure on, separated by commas")
	cases := flag.String("case", strings.Join(names, ","), "the cases to measure")
	rounds := flag.Int("rounds", 3, "how often each is measured; the median counts")
	scale := flag.Float64("scale", 1, "how much there is to do, as a share of the full size")
	short := flag.Bool("short", false, "as -rounds 1 -scale 0.25")
	only := flag.String("only", "", "measure nothing else than this contender, and setting: 'Firefly: defaults', say")
	file := flag.String("json", "", "a file to write the results to")
	profile := flag.String("cpuprofile", "", "a file to write a CPU profile to; what is measured has the tag measured=yes")
	flag.Parse()
	if *short {
		*rounds, *scale = 1, .25
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var rows []row
	for _, name := range strings.Split(*stores, ",") {
		more, err := measureOn(ctx, plan{name, *rounds, *only, size{scale: *scale}}, strings.Split(*cases, ","))
		rows = append(rows, more...)
		if err != nil {
			return errors.Join(err, table(os.Stdout, rows))
		}
	}
	if *file != "" {
		if err := writeJSON(*file, rows); err != nil {
			return err
		}
	}
	return table(os.Stdout, rows)
}

// measureOn measures cases on one database.
func measureOn(ctx context.Context, p plan, cases []string) (rows []row, err error) {
	start, ok := backends[p.store]
	if !ok {
		return nil, fmt.Errorf("there is no store %q", p.store)
	}
	b, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer b.close()
	for _, name := range cases {
		i := slices.IndexFunc(benchmarks, func(b benchmark) bool { return b.name == name })
		if i < 0 {
			return rows, fmt.Errorf("there is no case %q", name)
		}
		if name == "sustained" && p.size.pace == 0 {
			if p.size.pace, err = pace(ctx, b, p.size.scale); err != nil {
				return rows, err
			}
		}
		r, err := run(ctx, b, benchmarks[i], p)
		if err != nil {
			return rows, err
		}
		rows = append(rows, r.rows()...)
	}
	return rows, nil
}
