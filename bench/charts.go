package main

import (
	"fmt"
	"image/color"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// A chart is a file beside the page.
type chart struct {
	Title string
	File  string
	Store string // whose ratios it shows; empty if it shows growth
}

const width = 20 * vg.Centimeter

// drawAll draws what the rows have something for.
func drawAll(folder string, rows []row) (charts []chart, err error) {
	for _, store := range slices.Sorted(maps.Keys(backends)) {
		c := chart{"Firefly's ratio to its peer, " + store, "benchmarks-" + store + ".svg", store}
		drawn, err := drawRatios(filepath.Join(folder, c.File), c.Title, rows, store)
		if err != nil {
			return nil, err
		}
		if drawn {
			charts = append(charts, c)
		}
	}
	for _, of := range []string{"tasks", "queues", "workers"} {
		c := chart{Title: "Firefly's rate with more " + of, File: "benchmarks-" + of + ".svg"}
		drawn, err := drawGrowth(filepath.Join(folder, c.File), c.Title, rows, of)
		if err != nil {
			return nil, err
		}
		if drawn {
			charts = append(charts, c)
		}
	}
	return charts, nil
}

// drawRatios draws a bar for each case, in the metric that it is about: to the right where Firefly is
// better. Each step of the scale doubles.
func drawRatios(file, title string, rows []row, store string) (drawn bool, err error) {
	var names []string
	var better, worse plotter.Values
	for _, b := range slices.Backward(benchmarks) { // the first is drawn at the top
		r, ok := find(rows, store, b.name, b.metrics[0])
		if !ok || r.Ratio == 0 {
			continue
		}
		names = append(names, fmt.Sprintf("%s, %s × %s", b.name, number(r.Ratio), r.PeerName))
		log := math.Log2(r.Ratio)
		better, worse = append(better, max(0, log)), append(worse, min(0, log))
	}
	if len(names) == 0 {
		return false, nil
	}
	p := plot.New()
	p.Title.Text = title
	for values, c := range map[*plotter.Values]color.Color{
		&better: color.RGBA{R: 46, G: 125, B: 80, A: 255}, &worse: color.RGBA{R: 192, G: 80, B: 60, A: 255},
	} {
		bars, err := plotter.NewBarChart(*values, vg.Points(10))
		if err != nil {
			return false, err
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, c, 0
		p.Add(bars)
	}
	p.NominalY(names...)
	p.X.Tick.Marker = plot.TickerFunc(doublings)
	p.X.Max += .1 // what is at the edge is cut off
	return true, p.Save(width, vg.Points(float64(50+18*len(names))), file)
}

// doublings marks every power of two, if the values are their exponents.
func doublings(least, most float64) (ticks []plot.Tick) {
	for e := math.Floor(least); e <= math.Ceil(most); e++ {
		ticks = append(ticks, plot.Tick{Value: e, Label: strconv.FormatFloat(math.Exp2(e), 'g', 3, 64) + " ×"})
	}
	return ticks
}

// drawGrowth draws a line for each store through the cases that are numbered.
func drawGrowth(file, title string, rows []row, of string) (drawn bool, err error) {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text = of
	p.Y.Label.Text = "% of the rate with the least"
	p.Y.Min = 0
	var lines []any
	ticks := map[float64]plot.Tick{}
	for _, store := range slices.Sorted(maps.Keys(backends)) {
		points := growthOf(rows, store, of)
		if len(points) < 2 {
			continue
		}
		lines = append(lines, store, points)
		for _, at := range points {
			ticks[at.X] = plot.Tick{Value: at.X, Label: strconv.FormatFloat(at.X, 'f', 0, 64)}
		}
	}
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(slices.Collect(maps.Values(ticks)))
	if len(lines) == 0 {
		return false, nil
	}
	if err := plotutil.AddLinePoints(p, lines...); err != nil {
		return false, err
	}
	p.X.Max *= 1.05 // what is at the edge is cut off
	p.Y.Max *= 1.1
	return true, p.Save(width, width/2, file)
}

// growthOf returns the rates of one store, by what the names of the cases end with.
func growthOf(rows []row, store, of string) (points plotter.XYs) {
	least := 0.
	for _, r := range rows {
		text, ok := strings.CutPrefix(r.Case, of+"-")
		if !ok || r.Store != store || r.Metric != rate || r.Firefly == 0 {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			continue
		}
		if least == 0 {
			least = r.Firefly
		}
		points = append(points, plotter.XY{X: float64(n), Y: r.Firefly / least * 100})
	}
	return points
}
