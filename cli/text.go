package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// instant is a time for people to read, and to give to --eta.
func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// grouped writes a number with a comma before each three digits.
func grouped[N ~int | ~int64](n N) string {
	text := strconv.FormatInt(int64(n), 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// someTasks counts tasks in words.
func someTasks[N ~int | ~int64](n N) string {
	if n == 1 {
		return "1 task"
	}
	return grouped(n) + " tasks"
}

// anyOf joins words, as in "a, b or c".
func anyOf[T any](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		fmt.Fprint(&b, w)
	}
	return b.String()
}
