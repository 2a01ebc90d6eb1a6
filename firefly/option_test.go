package firefly_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
	"github.com/fireflytasks/go-firefly/store/memory"
)

func TestLaterOptionsWin(t *testing.T) {
	c, err := firefly.NewClient(memory.New(), firefly.ClientConfig{Defaults: []firefly.Option{
		firefly.Queue("client"), firefly.MaxRetries(1), firefly.Priority(1), firefly.Timeout(time.Second),
	}})
	if err != nil {
		t.Fatal(err)
	}
	declared := firefly.Declare[int, int]("a", firefly.MaxRetries(2), firefly.Priority(2))
	h, err := declared.Schedule(t.Context(), c, 1, firefly.Priority(-1))
	if err != nil {
		t.Fatal(err)
	}
	task, err := h.Task(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if task.Queue != "client" || task.MaxRetries != 2 || task.Priority != -1 || task.Timeout != time.Second || task.RetryDelay != 120*time.Second {
		t.Fatalf("stored %+v", task)
	}
	if s := h.Scheduled(); s.ID != task.ID || s.Queue != task.Queue || !s.Due.Equal(task.Due) || string(s.Params) != "1" {
		t.Fatalf("scheduled %+v, stored %+v", s, task)
	}
}

func TestDefaultsAreTheSeeds(t *testing.T) {
	h, err := Add.Schedule(t.Context(), newClient(t, memory.New()), AddArgs{})
	if err != nil {
		t.Fatal(err)
	}
	if s := h.Scheduled(); s.Queue != "default" || s.MaxRetries != 0 || s.RetryDelay != 120*time.Second || s.Priority != 0 || s.Timeout != 0 {
		t.Fatalf("scheduled %+v", s)
	}
}

// Options compile only where they mean something.
func TestOptionsAreTypedByPlace(t *testing.T) {
	for name, o := range map[string]any{
		"ETA": firefly.ETA(time.Now()), "Delay": firefly.Delay(1), "Unique": firefly.Unique("k"), "UniqueReplace": firefly.UniqueReplace("k"),
	} {
		if _, ok := o.(firefly.DeclareOption); ok {
			t.Errorf("%s compiles in a declaration", name)
		}
	}
	for name, o := range map[string]any{
		"Aliases": firefly.Aliases("a"), "MaxCrashes": firefly.MaxCrashes(1), "WithBackoff": firefly.WithBackoff(nil),
	} {
		if _, ok := o.(firefly.ScheduleOption); ok {
			t.Errorf("%s compiles where a task is scheduled", name)
		}
	}
}

func TestBadSchedulesAreRefused(t *testing.T) {
	long := strings.Repeat("n", store.MaxName+1)
	tests := map[string]struct {
		task firefly.Task[any, any]
		opts []firefly.ScheduleOption
		args any
		want error
		text string
	}{
		"empty name":         {task: firefly.Declare[any, any](""), want: store.ErrInvalid, text: "name is empty"},
		"overlong name":      {task: firefly.Declare[any, any](long), want: store.ErrInvalid, text: "201 characters"},
		"bad alias":          {task: firefly.Declare[any, any]("a", firefly.Aliases("b c")), want: store.ErrInvalid, text: "alias"},
		"bad queue":          {opts: []firefly.ScheduleOption{firefly.Queue("a b")}, want: store.ErrInvalid, text: "queue"},
		"negative delay":     {opts: []firefly.ScheduleOption{firefly.Delay(-1)}, want: store.ErrInvalid, text: "delay -1ns is negative"},
		"negative retries":   {opts: []firefly.ScheduleOption{firefly.MaxRetries(-1)}, want: store.ErrInvalid, text: "max retries"},
		"negative timeout":   {opts: []firefly.ScheduleOption{firefly.Timeout(-1)}, want: store.ErrInvalid, text: "timeout"},
		"priority too high":  {opts: []firefly.ScheduleOption{firefly.Priority(3)}, want: store.ErrInvalid, text: "priority 3"},
		"both times":         {opts: []firefly.ScheduleOption{firefly.Delay(1), firefly.ETA(time.Now())}, want: store.ErrInvalid, text: "both"},
		"unencodable params": {args: func() {}, text: "encode params"},
		"params over cap":    {args: strings.Repeat("x", firefly.DefaultMaxPayload), want: store.ErrTooLarge, text: "limit is 1048576 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.task == (firefly.Task[any, any]{}) {
				test.task = firefly.Declare[any, any]("fine")
			}
			s := memory.New()
			h, err := test.task.Schedule(t.Context(), newClient(t, s), test.args, test.opts...)
			if err == nil || h != nil || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v, want one line with %q", err, test.text)
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Fatalf("error %v does not match %v", err, test.want)
			}
			if counts, _ := s.Counts(t.Context()); len(counts) != 0 {
				t.Fatalf("stored %+v", counts)
			}
		})
	}
}

func TestBadConfigurationsAreRefused(t *testing.T) {
	fn := func(context.Context, int) (int, error) { return 0, nil }
	good := firefly.Define("good", fn)
	tests := map[string]struct {
		cfg      firefly.WorkerConfig
		handlers []firefly.Handler
		want     []string
	}{
		"no handlers":     {want: []string{"no handlers"}},
		"nil handler":     {handlers: []firefly.Handler{nil}, want: []string{"a handler is nil"}},
		"nil function":    {handlers: []firefly.Handler{firefly.Declare[int, int]("a").Handle(nil)}, want: []string{"handler of a: its function is nil"}},
		"nil NoResult":    {handlers: []firefly.Handler{firefly.Declare[int, firefly.None]("a").Handle(firefly.NoResult[int](nil))}, want: []string{"its function is nil"}},
		"same name twice": {handlers: []firefly.Handler{good, good}, want: []string{"the name good is registered twice"}},
		"alias is a name": {handlers: []firefly.Handler{good, firefly.Define("b", fn, firefly.Aliases("good"))}, want: []string{"good is registered twice"}},
		"bad declaration": {handlers: []firefly.Handler{firefly.Define("", fn, firefly.MaxCrashes(-1))}, want: []string{"name is empty", "max crashes -1"}},
		"everything": {
			cfg: firefly.WorkerConfig{
				Queues: []string{"a", "a", "b c"}, Concurrency: -1, Lease: 1, PollInterval: -1, MaxReturned: -1,
				Middleware: []firefly.Middleware{nil},
			},
			want: []string{"named twice", `"b c"`, "concurrency", "lease", "poll interval", "MaxReturned", "Middleware", "no handlers"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w, err := firefly.NewWorker(memory.New(), test.cfg, test.handlers...)
			if w != nil || !errors.Is(err, store.ErrInvalid) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v, want one line that matches ErrInvalid", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v lacks %q", err, want)
				}
			}
		})
	}
	if _, err := firefly.NewWorker(nil, firefly.WorkerConfig{}, good); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a worker without a store: %v", err)
	}
	_, err := firefly.NewClient(nil, firefly.ClientConfig{
		MaxParams: store.MaxPayload + 1, Codec: badCodec{firefly.JSON}, Defaults: []firefly.Option{firefly.Priority(9)},
	})
	for _, want := range []string{"store is nil", "MaxParams", "codec name", "priority 9"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("client error %v lacks %q", err, want)
		}
	}
}

type badCodec struct{ firefly.Codec }

func (badCodec) Name() string { return "no good" }

func TestDoublingSaturates(t *testing.T) {
	for _, test := range []struct {
		failures int
		want     time.Duration
	}{
		{0, time.Second}, {1, time.Second}, {2, 2 * time.Second}, {5, 16 * time.Second}, {12, 2048 * time.Second}, {13, time.Hour},
		{62, time.Hour}, {63, time.Hour}, {64, time.Hour}, {65, time.Hour}, {1_000_000, time.Hour}, {math.MaxInt, time.Hour},
	} {
		if got := firefly.Doubled(time.Second, time.Hour, test.failures); got != test.want {
			t.Errorf("after %d failures %s, want %s", test.failures, got, test.want)
		}
	}
	if got := firefly.Doubled(1, math.MaxInt64, math.MaxInt); got != math.MaxInt64 {
		t.Errorf("without a bound %d", got)
	}
}

func FuzzExponential(f *testing.F) {
	f.Add(int64(time.Second), int64(time.Hour), 10)
	f.Add(int64(math.MaxInt64), int64(1), math.MaxInt)
	f.Fuzz(func(t *testing.T, base, longest int64, failures int) {
		full := firefly.Doubled(time.Duration(base), time.Duration(longest), failures)
		got := firefly.Exponential(time.Duration(base), time.Duration(longest))(failures)
		if base > 0 && longest > 0 && (full < 0 || int64(full) > longest || got > full || got < full/2) {
			t.Fatalf("doubled %d, with jitter %d", full, got)
		}
	})
}

func FuzzBase64Codec(f *testing.F) {
	f.Add("")
	f.Add("\x00ÿ text")
	f.Fuzz(func(t *testing.T, s string) {
		c := firefly.Base64(firefly.JSON)
		data, err := c.Marshal([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		var back []byte
		if err := c.Unmarshal(data, &back); err != nil || string(back) != s {
			t.Fatalf("%q became %q, error %v", s, back, err)
		}
	})
}
