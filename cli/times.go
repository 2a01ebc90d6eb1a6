package cli

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

var (
	errDuration = errors.New("write a duration as 90s, 15m, 1h30m, 7d or 1d12h")
	errTime     = errors.New(`write a time as "2026-01-31 15:04" in local time, or as 2026-01-31T15:04:05Z`)
)

// parseDuration reads what [time.ParseDuration] reads, after a number of weeks and days, as in 1d12h. A
// day is 24 hours. There are no negative durations.
func parseDuration(text string) (time.Duration, error) {
	d, ok := readDuration(text)
	if !ok {
		return 0, usagef("%q is no duration: %w", text, errDuration)
	}
	return d, nil
}

func readDuration(text string) (sum time.Duration, ok bool) {
	for _, unit := range []struct {
		name  string
		hours int64
	}{{"w", 7 * 24}, {"d", 24}} {
		number, rest, found := strings.Cut(text, unit.name)
		if !found {
			continue
		}
		n, err := time.ParseDuration(number + "h")
		if strings.Trim(number, "0123456789.") != "" || err != nil || int64(n) > int64(math.MaxInt64-sum)/unit.hours {
			return 0, false
		}
		sum += time.Duration(int64(n) * unit.hours)
		if text = rest; text == "" {
			return sum, true
		}
	}
	d, err := time.ParseDuration(text)
	if strings.ContainsAny(text, "+-") || err != nil || d > math.MaxInt64-sum {
		return 0, false
	}
	return sum + d, true
}

// parseTime reads a time of RFC 3339, or a local one without a zone.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", // with or without a fraction
		time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04",
	} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil { //nolint:gosmopolitan // of who writes it
			return t, nil
		}
	}
	return time.Time{}, usagef("%q is no time: %w", text, errTime)
}

// A durationFlag is a flag that is read as [parseDuration] does.
type durationFlag time.Duration

func (d *durationFlag) Set(text string) error {
	read, ok := readDuration(text)
	if !ok {
		return errDuration
	}
	*d = durationFlag(read)
	return nil
}

func (d *durationFlag) String() string {
	if *d == 0 {
		return "" // so that help shows no default
	}
	return time.Duration(*d).String()
}

func (*durationFlag) Type() string { return "duration" }

func durationVar(cmd *cobra.Command, to *time.Duration, name, usage string) {
	cmd.Flags().Var((*durationFlag)(to), name, usage)
}

// A timeFlag is a flag that is read as [parseTime] does.
type timeFlag time.Time

func (t *timeFlag) Set(text string) error {
	read, err := parseTime(text)
	if err != nil {
		return errTime
	}
	*t = timeFlag(read)
	return nil
}

func (t *timeFlag) String() string {
	if time.Time(*t).IsZero() {
		return ""
	}
	return time.Time(*t).Format(time.RFC3339)
}

func (*timeFlag) Type() string { return "time" }
