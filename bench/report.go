package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table writes rows for people.
func table(out io.Writer, rows []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STORE\tCASE\tMETRIC\tFIREFLY\tPEER\tRATIO\tLIMIT\tFIREFLY BY\tPEER BY\tLIMIT BY")
	last := row{}
	for _, r := range rows {
		store, name, by, peerBy, limitBy := r.Store, r.Case, r.FireflySetting, r.peerBy(), r.LimitSetting
		if r.Store == last.Store && r.Case == last.Case && r.FireflySetting == last.FireflySetting {
			store, name, by, peerBy, limitBy = "", "", "", "", ""
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", store, name, r.Metric,
			number(r.Firefly), number(r.Peer), number(r.Ratio), number(r.Limit), by, peerBy, limitBy)
		last = r
	}
	return w.Flush()
}

func (r *row) peerBy() string {
	if r.PeerName == "" {
		return ""
	}
	return r.PeerName + ": " + r.PeerSetting
}
