package store_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fireflytasks/go-firefly/store"
)

func TestCleanText(t *testing.T) {
	full := strings.Repeat("x", store.MaxErrorText)
	for _, tc := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "no such host: é€😀", "no such host: é€😀"},
		{"a replacement character stays", "a\ufffd", "a\ufffd"},
		{"NUL", "a\x00b\x00", "a?b?"},
		{"invalid bytes", "a\xffb", "a?b"},
		{"a run of invalid bytes is one mark", "a\xff\xfe\xfdb", "a?b"},
		{"an incomplete rune at the end of a short text", "a\xe2\x82", "a?"},
		{"as long as the limit", full, full},
		{"one byte longer", full + "y", full},
		{"cut after the first of two bytes", full[1:] + "é", full[1:]},
		{"cut after the second of three bytes", full[2:] + "€", full[2:]},
		{"cut after the third of four bytes", full[3:] + "😀", full[3:]},
		{"cut behind a rune", full[2:] + "éy", full[2:] + "é"},
		{"cut behind a replacement character", full[3:] + "\ufffdy", full[3:] + "\ufffd"},
		{"NUL at the cut", full[1:] + "\x00y", full[1:] + "?"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := store.CleanText(tc.in); got != tc.want {
				t.Errorf("got %s, want %s", ending(got), ending(tc.want))
			}
		})
	}
}

// ending shows a long text by its length and its end.
func ending(s string) string {
	const most = 12
	if len(s) > most {
		return "…" + strings.ToValidUTF8(s[len(s)-most:], "<invalid>")
	}
	return s
}

func FuzzCleanText(f *testing.F) {
	for _, s := range []string{
		"", "plain", "\x00", "\xff", "a\xe2\x82", "\ufffd", strings.Repeat("😀", 2049), strings.Repeat("\xf0", 9000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := store.CleanText(s)
		if !utf8.ValidString(got) {
			t.Errorf("%q is no UTF-8", got)
		}
		if strings.Contains(got, "\x00") {
			t.Errorf("%q holds a NUL", got)
		}
		if len(got) > store.MaxErrorText {
			t.Errorf("%d bytes are too many", len(got))
		}
		if again := store.CleanText(got); again != got {
			t.Errorf("cleaned again it becomes %q, not %q", again, got)
		}
		if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			return
		}
		if !strings.HasPrefix(s, got) {
			t.Errorf("%q is no beginning of %q", got, s)
		}
		if lost := len(s) - len(got); len(s) <= store.MaxErrorText && lost != 0 {
			t.Errorf("a clean text lost %d bytes", lost)
		}
		if len(s) > store.MaxErrorText && len(got) <= store.MaxErrorText-utf8.UTFMax {
			t.Errorf("cut to %d bytes, more than a rune below the limit", len(got))
		}
	})
}

func TestAppendError(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	history := func(n int) []store.AttemptError {
		h := make([]store.AttemptError, n)
		for i := range h {
			h[i] = store.AttemptError{Attempt: i + 1, Text: "old"}
		}
		return h
	}

	t.Run("stamps and cleans a copy", func(t *testing.T) {
		e := &store.AttemptError{Attempt: 3, Text: "a\x00b"}
		got := store.AppendError(nil, e, at)
		want := store.AttemptError{Attempt: 3, At: at, Text: "a?b"}
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %v, want only %v", got, want)
		}
		if *e != (store.AttemptError{Attempt: 3, Text: "a\x00b"}) {
			t.Errorf("the argument became %v", *e)
		}
	})
	t.Run("nil changes nothing", func(t *testing.T) {
		if got := store.AppendError(history(2), nil, at); len(got) != 2 {
			t.Errorf("got %d entries, want 2", len(got))
		}
		if got := store.AppendError(nil, nil, at); got != nil {
			t.Errorf("got %v, want nil", got)
		}
	})
	for _, tc := range []struct {
		name              string
		have, want, first int
	}{
		{"a short history grows", 1, 2, 1},
		{"up to the limit", store.MaxErrors - 1, store.MaxErrors, 1},
		{"a full history loses its first", store.MaxErrors, store.MaxErrors, 2},
		{"an overlong history is cut", store.MaxErrors + 5, store.MaxErrors, 7},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := store.AppendError(history(tc.have), &store.AttemptError{Attempt: 99, Text: "new"}, at)
			if len(got) != tc.want {
				t.Fatalf("got %d entries, want %d", len(got), tc.want)
			}
			if first := got[0].Attempt; first != tc.first {
				t.Errorf("the first entry is of attempt %d, want %d", first, tc.first)
			}
			if last := got[len(got)-1].Attempt; last != 99 {
				t.Errorf("the last entry is of attempt %d, want the new one", last)
			}
		})
	}
	t.Run("never writes behind the history", func(t *testing.T) {
		shared := history(3)
		store.AppendError(shared[:2], &store.AttemptError{Attempt: 9, Text: "new"}, at)
		if shared[2].Text != "old" {
			t.Errorf("the array behind the history now holds %v", shared[2])
		}
	})
}
