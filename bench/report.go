package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"text/tabwriter"
)

// A row is one metric of one case. Ratio and limit are 0 if there is none.
type row struct {
	Case           string  `json:"case"`
	Store          string  `json:"store"`
	Metric         string  `json:"metric"`
	Firefly        float64 `json:"firefly"`
	FireflySetting string  `json:"firefly_setting"`
	Peer           float64 `json:"peer"`
	PeerName       string  `json:"peer_name"`
	PeerSetting    string  `json:"peer_setting"`
	Ratio          float64 `json:"ratio"` // above 1, Firefly is better
	Limit          float64 `json:"limit"` // what the database can do
	LimitSetting   string  `json:"limit_setting"`
}

// rows compares Firefly's best setting, and its default if that is another, with the peer's best. There
// are none if nobody was measured.
func (r *result) rows() (rows []row) {
	if !slices.ContainsFunc(r.series, func(all []*series) bool { return len(all) > 0 }) {
		return nil
	}
	bestOf := func(contender int) *series {
		if contender < len(r.series) && len(r.series[contender]) > 0 {
			return r.series[contender][0]
		}
		return &series{}
	}
	peer, limit := bestOf(1), bestOf(2)
	own := []*series{bestOf(0)}
	if r.defaults != nil && r.defaults != own[0] {
		own = append(own, r.defaults)
	}
	for _, s := range own {
		for _, metric := range r.benchmark.metrics {
			w := row{
				Case: r.benchmark.name, Store: r.store, Metric: metric,
				Firefly: s.median(metric), FireflySetting: s.setting.name,
				Peer: peer.median(metric), PeerName: r.names[1], PeerSetting: peer.setting.name,
				Limit: limit.median(metric), LimitSetting: limit.setting.name,
			}
			if w.Firefly == 0 && w.Peer == 0 && w.Limit == 0 { // this database does not tell
				continue
			}
			if w.Firefly > 0 && w.Peer > 0 {
				w.Ratio = w.Peer / w.Firefly
				if moreIsBetter(metric) {
					w.Ratio = 1 / w.Ratio
				}
			}
			rows = append(rows, w)
		}
	}
	return rows
}

// table writes rows for people.
func table(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tMETRIC\tFIREFLY\tPEER\tRATIO\tLIMIT\tFIREFLY BY\tPEER BY\tLIMIT BY")
	last := row{}
	for _, r := range rows {
		name, by, peerBy, limitBy := r.Case, r.FireflySetting, r.PeerName+": "+r.PeerSetting, r.LimitSetting
		if r.Case == last.Case && r.FireflySetting == last.FireflySetting {
			name, by, peerBy, limitBy = "", "", "", ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, r.Metric,
			number(r.Firefly), number(r.Peer), number(r.Ratio), number(r.Limit), by, peerBy, limitBy)
		last = r
	}
	return w.Flush()
}

// number writes three digits, or all that are before the point.
func number(x float64) string {
	if x == 0 {
		return "-"
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(x)))))
	return strconv.FormatFloat(x, 'f', min(digits, 5), 64)
}

// writeJSON writes rows for programs.
func writeJSON(file string, rows []row) error {
	text, err := json.MarshalIndent(rows, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
