package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/cli"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour,
		"1.5d": 36 * time.Hour, "0d": 0, "1d0s": day, "106751d23h": 106751*day + 23*time.Hour,
		"1w": 7 * day, "1w1d1h": 8*day + time.Hour, "15250w1d": 106751 * day,
	} {
		if got, err := cli.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "d", "7", "-1s", "+1s", "-1d", "1d-1s", "1d2", "12h1d", "1d2d", "1d1w", "1 d", "15250w2d", "7D", "106752d", "106751d24h", "1hd", "..d",
	} {
		if got, err := cli.ParseDuration(text); cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), "1d12h") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"7d", "1d12h", "1.5d", "-1s", "9999999d", "1h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := cli.ParseDuration(text)
		if err == nil && got < 0 {
			t.Errorf("%q is %v", text, got)
		}
		if strings.ContainsAny(text, "wd+-") {
			return
		}
		want, goErr := time.ParseDuration(text)
		if (err == nil) != (goErr == nil) || got != want {
			t.Errorf("%q: %v, %v; package time: %v, %v", text, got, err, want, goErr)
		}
	})
}

func TestParseTime(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("east", 2*60*60)
	want := time.Date(2026, 1, 31, 15, 4, 5, 0, time.Local)
	for text, want := range map[string]time.Time{
		"2026-01-31T15:04:05+02:00": want, "2026-01-31T13:04:05Z": want, "2026-01-31 13:04:05Z": want,
		"2026-01-31 15:04:05": want, "2026-01-31T15:04:05": want, "2026-01-31 15:04": want.Add(-5 * time.Second),
		"2026-01-31 15:04:05.25": want.Add(250 * time.Millisecond),
	} {
		if got, err := cli.ParseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "now", "2026-01-31", "15:04", "2026-02-30 15:04", "2026-01-31 15:04 "} {
		if got, err := cli.ParseTime(text); cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), "local time") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, text := range []string{"2026-01-31 15:04", "2026-01-31T15:04:05Z", "9999-12-31T23:59:59.999999999+23:59"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := cli.ParseTime(text)
		if err != nil {
			return
		}
		again, err := cli.ParseTime(got.UTC().Format(time.RFC3339Nano))
		if y := got.UTC().Year(); y >= 0 && y <= 9999 && (err != nil || !again.Equal(got)) {
			t.Errorf("%q is %v, which is read as %v, %v", text, got, again, err)
		}
	})
}
