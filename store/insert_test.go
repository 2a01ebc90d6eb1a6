package store_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// validTask returns a task that Validate accepts, changed by edit.
func validTask(edit func(*store.NewTask)) store.NewTask {
	n := store.NewTask{Name: "math.add", Queue: "default", Encoding: "json", Params: []byte(`[1,3]`)}
	if edit != nil {
		edit(&n)
	}
	return n
}

func TestNewTaskValidateAccepts(t *testing.T) {
	longest := strings.Repeat("é", store.MaxName)
	for _, tc := range []struct {
		name string
		edit func(*store.NewTask)
	}{
		{"the least", nil},
		{"no params", func(n *store.NewTask) { n.Params = nil }},
		{"a repeat", func(n *store.NewTask) { n.ID = math.MaxInt64 }},
		{"longest names", func(n *store.NewTask) {
			n.Name, n.Queue, n.Encoding, n.UniqueKey = longest, longest, longest, longest
		}},
		{"lowest priority", func(n *store.NewTask) { n.Priority = store.MinPriority }},
		{"highest priority", func(n *store.NewTask) { n.Priority = store.MaxPriority }},
		{"most retries", func(n *store.NewTask) { n.MaxRetries = math.MaxInt32 }},
		{"largest payload, of any bytes", func(n *store.NewTask) { n.Params = make([]byte, store.MaxPayload) }},
		{"largest meta", func(n *store.NewTask) {
			n.Meta = map[string]string{"key": strings.Repeat("v", store.MaxMeta-len("key"))}
		}},
		{"ETA in the past", func(n *store.NewTask) { n.ETA = time.Unix(0, 0) }},
		{"last ETA", func(n *store.NewTask) { n.ETA = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }},
		{"delay", func(n *store.NewTask) { n.Delay = math.MaxInt64 }},
		{"unique key of any text", func(n *store.NewTask) { n.UniqueKey = "order 7, “blue”\n" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := validTask(tc.edit)
			if err := n.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewTaskValidateRefuses(t *testing.T) {
	overlong := strings.Repeat("é", store.MaxName+1)
	for _, tc := range []struct {
		name string
		edit func(*store.NewTask)
		want string // part of the error's text
	}{
		{"no name", func(n *store.NewTask) { n.Name = "" }, `task "": name is empty`},
		{"overlong name", func(n *store.NewTask) { n.Name = overlong }, "has 201 characters, more than 200"},
		{"blank in the name", func(n *store.NewTask) { n.Name = "math add" }, `name "math add" holds ' '`},
		{"no queue", func(n *store.NewTask) { n.Queue = "" }, "queue is empty"},
		{"overlong queue", func(n *store.NewTask) { n.Queue = overlong }, "queue"},
		{"NUL in the queue", func(n *store.NewTask) { n.Queue = "a\x00" }, `queue "a\x00" holds a NUL`},
		{"no encoding", func(n *store.NewTask) { n.Encoding = "" }, "encoding is empty"},
		{"encoding with a comma", func(n *store.NewTask) { n.Encoding = "a,b" }, "encoding"},
		{"overlong unique key", func(n *store.NewTask) { n.UniqueKey = overlong }, "unique key"},
		{"unique key that is no text", func(n *store.NewTask) { n.UniqueKey = "\xff" }, "unique key"},
		{"priority too low", func(n *store.NewTask) { n.Priority = -3 }, "priority -3 is not between -2 and 2"},
		{"priority too high", func(n *store.NewTask) { n.Priority = 3 }, "priority 3 is not between -2 and 2"},
		{"negative retries", func(n *store.NewTask) { n.MaxRetries = -1 }, "max retries -1"},
		{"too many retries", func(n *store.NewTask) { n.MaxRetries = math.MaxInt32 + 1 }, "max retries 2147483648"},
		{"negative delay", func(n *store.NewTask) { n.Delay = -1 }, "delay -1ns is negative"},
		{"negative retry delay", func(n *store.NewTask) { n.RetryDelay = -time.Second }, "retry delay -1s is negative"},
		{"negative timeout", func(n *store.NewTask) { n.Timeout = -time.Minute }, "timeout -1m0s is negative"},
		{"both ETA and delay", func(n *store.NewTask) { n.ETA, n.Delay = time.Unix(0, 0), 1 }, "both an ETA and a delay"},
		{"ETA too late", func(n *store.NewTask) { n.ETA = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "year 10000"},
		{"ETA too early", func(n *store.NewTask) { n.ETA = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) }, "year 0"},
		{"negative id", func(n *store.NewTask) { n.ID = -1 }, "id -1 is negative"},
		{"meta key that is no text", func(n *store.NewTask) { n.Meta = map[string]string{"\xff": ""} }, "meta"},
		{"meta value with a NUL", func(n *store.NewTask) { n.Meta = map[string]string{"k": "\x00"} }, `meta "k" holds a NUL`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := validTask(tc.edit)
			err := n.Validate()
			if !errors.Is(err, store.ErrInvalid) {
				t.Fatalf("error %v, want one that matches ErrInvalid", err)
			}
			if errors.Is(err, store.ErrTooLarge) {
				t.Errorf("error %q matches ErrTooLarge, but nothing is", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
			requireOneDefiniteLine(t, err)
		})
	}
}

func TestOversizedPartsAreTooLarge(t *testing.T) {
	tooMuch := validTask(func(n *store.NewTask) { n.Params = make([]byte, store.MaxPayload+1) })
	tooMuchMeta := validTask(func(n *store.NewTask) {
		n.Meta = map[string]string{"key": strings.Repeat("v", store.MaxMeta-len("key")+1)}
	})
	tooMuchReturned := make([]byte, store.MaxPayload+1)
	for _, tc := range []struct {
		name, want string
		err        error
	}{
		{"params", "params of 16777217 bytes is too large: the limit is 16777216 bytes", tooMuch.Validate()},
		{"meta", "meta of 16385 bytes is too large: the limit is 16384 bytes", tooMuchMeta.Validate()},
		{"returned", "returned of 16777217 bytes is too large: the limit is 16777216 bytes", store.CheckReturned(tooMuchReturned)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !errors.Is(tc.err, store.ErrTooLarge) {
				t.Fatalf("error %v, want one that matches ErrTooLarge", tc.err)
			}
			if !strings.HasSuffix(tc.err.Error(), tc.want) {
				t.Errorf("error %q does not end with %q", tc.err, tc.want)
			}
			requireOneDefiniteLine(t, tc.err)
		})
	}
	if err := store.CheckReturned(make([]byte, store.MaxPayload)); err != nil {
		t.Errorf("the largest result is refused: %v", err)
	}
}

func TestNewTaskValidateReportsAllFaultsAtOnce(t *testing.T) {
	n := store.NewTask{
		ID: -1, Name: "line\nbreak", Priority: 7, Params: make([]byte, store.MaxPayload+1),
		Meta: map[string]string{"k": "\x00"}, MaxRetries: -1, Delay: -1, RetryDelay: -1, Timeout: -1,
		ETA: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), UniqueKey: "\xff",
	}
	err := n.Validate()
	if !errors.Is(err, store.ErrInvalid) || !errors.Is(err, store.ErrTooLarge) {
		t.Fatalf("error %v, want one that matches ErrInvalid and ErrTooLarge", err)
	}
	for _, fault := range []string{
		"id -1", "name ", "queue is empty", "encoding is empty", "unique key", "priority 7", "params of",
		"meta ", "max retries -1", "; delay", "retry delay", "timeout", "both an ETA and a delay", "year 10000",
	} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("error %q does not mention %q", err, fault)
		}
	}
	requireOneDefiniteLine(t, err)
}

func requireOneDefiniteLine(t *testing.T, err error) {
	t.Helper()
	if strings.ContainsAny(err.Error(), "\n\r\x00") {
		t.Errorf("error %q is not one line of text", err)
	}
	if !store.IsDefinite(err) {
		t.Errorf("error %q is not definite", err)
	}
}

func TestErrorsQuoteLongNamesShortly(t *testing.T) {
	n := validTask(func(n *store.NewTask) { n.Name = strings.Repeat("é", 1<<20) })
	const most = 500
	if text := n.Validate().Error(); len(text) > most {
		t.Errorf("the error has %d bytes, want at most %d", len(text), most)
	}
}

func TestCheckName(t *testing.T) {
	for _, s := range []string{"a", "7", "mail.send", "a_b-c:d/e@f+g#h", "задача", "任务", "é"} {
		if err := store.CheckName(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{
		"", " ", "a b", "a\tb", "a\n", "a,b", "a*", "a'b", `a"b`, "a%b", "a{b}", "😀", "\x00", "\xff",
		strings.Repeat("x", store.MaxName+1),
	} {
		if err := store.CheckName(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func FuzzCheckName(f *testing.F) {
	f.Add("mail.send")
	f.Add("a b\n")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, s string) {
		err := store.CheckName(s)
		if err == nil && (s == "" || strings.ContainsAny(s, " \t\r\n\x00'\"`\\{}*%,;")) {
			t.Errorf("%q is accepted", s)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\n\r\x00") {
			t.Errorf("error %q is not one line of text", err)
		}
	})
}

func TestClaimValidate(t *testing.T) {
	valid := store.Claim{Lease: store.NewLeaseID(), For: time.Nanosecond}
	for _, tc := range []struct {
		name string
		edit func(*store.Claim)
		want string // part of the error's text; empty if it is valid
	}{
		{"the least", func(*store.Claim) {}, ""},
		{"worker of any text", func(c *store.Claim) { c.Worker = "host 1, “blue”" }, ""},
		{"no lease", func(c *store.Claim) { c.Lease = store.LeaseID{} }, "the lease id is zero"},
		{"for no time", func(c *store.Claim) { c.For = 0 }, "0s is not positive"},
		{"for a negative time", func(c *store.Claim) { c.For = -time.Second }, "-1s is not positive"},
		{"worker that is no text", func(c *store.Claim) { c.Worker = "\xff" }, "worker"},
		{"overlong worker", func(c *store.Claim) { c.Worker = strings.Repeat("w", store.MaxName+1) }, "worker"},
		{"everything", func(c *store.Claim) { *c = store.Claim{Worker: "\x00"} },
			"claim: the lease id is zero; a lease for 0s is not positive; worker"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := valid
			tc.edit(&c)
			err := c.Validate()
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, store.ErrInvalid) {
				t.Fatalf("error %v, want one that matches ErrInvalid", err)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
			requireOneDefiniteLine(t, err)
		})
	}
}
