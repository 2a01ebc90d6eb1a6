package store

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// MaxErrorText is the length in bytes to which an error's text is cut.
	MaxErrorText = 8 << 10
	// MaxErrors is how many errors a task keeps: the last ones.
	MaxErrors = 10
)

// An AttemptError is the record of one failed run.
type AttemptError struct {
	Attempt int       `json:"attempt"` // which run, from 1: see [Task.Attempt]
	At      time.Time `json:"at"`      // set by the store when it records the error
	Text    string    `json:"error"`   // scrubbed and cut by [CleanText]
}

func (e *AttemptError) Error() string { return e.Text }

func (e *AttemptError) clone() *AttemptError {
	if e == nil {
		return nil
	}
	c := *e
	return &c
}

// AppendError returns history with a copy of e at its end, stamped with at, its text cleaned,
// and only the last [MaxErrors] entries kept. A nil e changes nothing. It never writes to the
// array behind history.
func AppendError(history []AttemptError, e *AttemptError, at time.Time) []AttemptError {
	if e == nil {
		return history
	}
	if drop := len(history) + 1 - MaxErrors; drop > 0 {
		history = history[drop:]
	}
	kept := make([]AttemptError, len(history), len(history)+1)
	copy(kept, history)
	return append(kept, AttemptError{Attempt: e.Attempt, At: at, Text: CleanText(e.Text)})
}

// CleanText makes s fit to be stored as text anywhere: valid UTF-8 without NUL, at most
// [MaxErrorText] bytes, cut between runes.
func CleanText(s string) string {
	if len(s) > MaxErrorText {
		s = s[:MaxErrorText]
		for i := 0; i < utf8.UTFMax && len(s) > 0; i++ {
			if r, size := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || size > 1 {
				break
			}
			s = s[:len(s)-1]
		}
	}
	s = strings.ToValidUTF8(s, "?")
	return strings.ReplaceAll(s, "\x00", "?")
}

// textJSON renders bytes as a JSON string, through Base64 if they are no UTF-8.
func textJSON(b []byte) json.RawMessage {
	s := string(b)
	if !utf8.ValidString(s) {
		s = base64.StdEncoding.EncodeToString(b)
	}
	out, _ := json.Marshal(s) // a string always marshals
	return out
}
