package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"
)

// A row is one metric of one case. Ratio and limit are 0 if there is none, and the peer has no name then.
type row struct {
	Case   string `json:"case"`
	Metric string `json:"metric"`
	origin
	Firefly        float64 `json:"firefly"`
	FireflySetting string  `json:"firefly_setting"`
	Peer           float64 `json:"peer"`
	PeerName       string  `json:"peer_name"`
	PeerSetting    string  `json:"peer_setting"`
	Ratio          float64 `json:"ratio"` // above 1, Firefly is better
	Limit          float64 `json:"limit"` // what the database can do
	LimitSetting   string  `json:"limit_setting"`
}

// origin is where a row comes from. Only ratios of one run compare.
type origin struct {
	Store   string  `json:"store"`
	Scale   float64 `json:"scale"`  // how much there was to do, as a share of the full size
	Rounds  int     `json:"rounds"` // how often it was measured
	Run     string  `json:"run"`    // when it began, in UTC
	Machine string  `json:"machine"`
	Server  string  `json:"server"`
}

// rows compares Firefly's best setting, and its default if that is another, with the peer's best. There
// are none if nobody was measured.
func (r *result) rows(is origin) (rows []row) {
	if !slices.ContainsFunc(r.series, func(all []*series) bool { return len(all) > 0 }) {
		return nil
	}
	bestOf := func(contender int) (string, *series) {
		if contender < len(r.series) && len(r.series[contender]) > 0 {
			return r.names[contender], r.series[contender][0]
		}
		return "", &series{}
	}
	_, best := bestOf(0)
	peerName, peer := bestOf(1)
	_, limit := bestOf(2)
	own := []*series{best}
	if r.defaults != nil && r.defaults != best {
		own = append(own, r.defaults)
	}
	for _, s := range own {
		for _, metric := range r.benchmark.metrics {
			w := row{
				Case: r.benchmark.name, Metric: metric, origin: is,
				Firefly: rounded(s.median(metric)), FireflySetting: s.setting.name,
				Peer: rounded(peer.median(metric)), PeerName: peerName, PeerSetting: peer.setting.name,
				Limit: rounded(limit.median(metric)), LimitSetting: limit.setting.name,
			}
			if w.Firefly == 0 && w.Peer == 0 && w.Limit == 0 { // this database does not tell
				continue
			}
			if w.Firefly > 0 && w.Peer > 0 {
				w.Ratio = w.Peer / w.Firefly
				if moreIsBetter(metric) {
					w.Ratio = w.Firefly / w.Peer
				}
				w.Ratio = rounded(w.Ratio)
			}
			rows = append(rows, w)
		}
	}
	return rows
}

// rounded has four digits: no machine measures more.
func rounded(x float64) float64 {
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', 4, 64), 64)
	return x
}

// merge replaces the rows of the cases that were measured anew, unless that is only a hint: at less than
// the full size, and less than before. All are in the order of the stores, and then of the cases; those
// of cases that are no more are dropped.
func merge(old, fresh []row) []row {
	type key struct{ store, bench string }
	of := func(r row) key { return key{r.Store, r.Case} }
	anew, before, place := map[key]float64{}, map[key]float64{}, map[string]int{}
	for _, r := range fresh {
		anew[of(r)] = r.Scale
	}
	for _, r := range old {
		before[of(r)] = min(r.Scale, 1)
	}
	for i, b := range benchmarks {
		place[b.name] = i
	}
	var all []row
	for _, r := range fresh {
		if r.Scale >= before[of(r)] {
			all = append(all, r)
		}
	}
	for _, r := range old {
		scale, replaced := anew[of(r)]
		if _, known := place[r.Case]; known && (!replaced || scale < before[of(r)]) {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(place[a.Case], place[b.Case]))
	})
	return all
}

// number writes three digits, or all that are before the point.
func number(x float64) string {
	if x == 0 {
		return "-"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(x)))))
	return strconv.FormatFloat(x, 'f', min(digits, 5), 64)
}
