package fireflytest_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/fireflytest"
	"github.com/fireflytasks/go-firefly/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake test keeps the line that it was ended with.
type fake struct {
	testing.TB
	line string
}

func (f *fake) Helper()           {}
func (f *fake) Output() io.Writer { return io.Discard }

func (f *fake) Fatalf(format string, args ...any) {
	f.line = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ended returns the line that f ends a test with, empty if it does not.
func ended(tb testing.TB, f func(tb *fake)) string {
	tb.Helper()
	fake := &fake{TB: tb}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(fake)
	}()
	<-done
	if strings.Contains(fake.line, "\n") {
		tb.Errorf("the failure is of several lines: %q", fake.line)
	}
	return fake.line
}

// expectEnd fails the test unless f ends its own with a line that contains want.
func expectEnd(tb testing.TB, want string, f func(tb *fake)) {
	tb.Helper()
	if got := ended(tb, f); !strings.HasPrefix(got, "fireflytest: ") || !strings.Contains(got, want) {
		tb.Errorf("the test ended with %q, want %q", got, want)
	}
}

type order struct{ ID, Amount int }

type mail struct{ To string }

var (
	charge   = firefly.Declare[order, string]("shop.charge")
	sendMail = firefly.Declare[mail, firefly.None]("mail.send")
)

// A shop's handlers schedule on its client.
type shop struct{ client *firefly.Client }

func newShop(tb testing.TB) (*shop, *fireflytest.Store) {
	tb.Helper()
	s := fireflytest.NewStore(tb)
	return &shop{fireflytest.NewClient(tb, s)}, s
}

// charge schedules a mail, and then does as it is told.
func (s *shop) charge(then func(ctx context.Context) error) func(context.Context, order) (string, error) {
	return func(ctx context.Context, o order) (string, error) {
		if _, err := sendMail.Schedule(ctx, s.client, mail{fmt.Sprintf("customer %d", o.ID)}); err != nil {
			return "", err
		}
		return fmt.Sprintf("receipt %d", o.ID), then(ctx)
	}
}

func (s *shop) schedule(tb testing.TB, call firefly.AnyCall) {
	tb.Helper()
	if err := s.client.ScheduleMany(tb.Context(), call); err != nil {
		tb.Fatal(err)
	}
}

func well(context.Context) error { return nil }

// bare is a store without capabilities.
func bare(s store.Store) store.Store { return struct{ store.Store }{s} }
