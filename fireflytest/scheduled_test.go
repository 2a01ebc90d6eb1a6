package fireflytest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/fireflytest"
	"github.com/fireflytasks/go-firefly/store"
)

func TestScheduled(t *testing.T) {
	s, _ := newShop(t)
	fireflytest.RequireNotScheduled(t, s.client, sendMail)
	s.schedule(t, sendMail.Call(mail{"a"}))
	s.schedule(t, charge.Call(order{1, 1}))
	s.schedule(t, sendMail.Call(mail{"b"}, firefly.Queue("mails")))
	if got := fmt.Sprint(fireflytest.Scheduled(t, s.client, sendMail)); got != "[{a} {b}]" {
		t.Errorf("scheduled are %s", got)
	}
	if got := fireflytest.RequireScheduled(t, s.client, sendMail, mail{"b"}, firefly.Queue("mails")); got.ID != 3 {
		t.Errorf("found task %d", got.ID)
	}
}

func TestRequireScheduledComparesAllThatScheduleSets(t *testing.T) {
	s, mem := newShop(t)
	eta := mem.Now().Add(36 * time.Hour)
	for name, options := range map[string][]firefly.ScheduleOption{
		"nothing":     nil,
		"queue":       {firefly.Queue("mails")},
		"priority":    {firefly.Priority(1)},
		"due":         {firefly.Delay(time.Hour)},
		"ETA":         {firefly.ETA(eta)},
		"unique key":  {firefly.Unique("k")},
		"max retries": {firefly.MaxRetries(3)},
		"retry delay": {firefly.RetryDelay(time.Second)},
		"timeout":     {firefly.Timeout(time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			task := firefly.Declare[mail, firefly.None](strings.ReplaceAll(name, " ", "_"))
			s.schedule(t, task.Call(mail{"a"}, options...))
			mem.Advance(time.Minute)
			fireflytest.RequireScheduled(t, s.client, task, mail{"a"}, options...)
			expectEnd(t, `but for argument {"To":"a"}, want {"To":"b"}`, func(tb *fake) {
				fireflytest.RequireScheduled(tb, s.client, task, mail{"b"}, options...)
			})
			if options == nil {
				return
			}
			want := map[string]string{"ETA": "due"}[name]
			if want == "" {
				want = name
			}
			expectEnd(t, "none is the one that is wanted; nearest is task", func(tb *fake) {
				fireflytest.RequireScheduled(tb, s.client, task, mail{"a"})
			})
			expectEnd(t, "but for "+want+" ", func(tb *fake) {
				fireflytest.RequireScheduled(tb, s.client, task, mail{"a"})
			})
			plain := firefly.Declare[mail, firefly.None](task.Name() + ".plain")
			s.schedule(t, plain.Call(mail{"a"}))
			expectEnd(t, "but for "+want+" ", func(tb *fake) {
				fireflytest.RequireScheduled(tb, s.client, plain, mail{"a"}, options...)
			})
		})
	}
}

func TestRequireScheduledTakesAPastETAForNow(t *testing.T) {
	s, mem := newShop(t)
	past := firefly.ETA(mem.Now().Add(-time.Hour))
	s.schedule(t, sendMail.Call(mail{"a"}, past))
	fireflytest.RequireScheduled(t, s.client, sendMail, mail{"a"}, past)
	fireflytest.RequireScheduled(t, s.client, sendMail, mail{"a"})
}

func TestRequireScheduledFailsTheTest(t *testing.T) {
	s, mem := newShop(t)
	require := func(tb *fake) {
		fireflytest.RequireScheduled(tb, s.client, sendMail, mail{"a"}, firefly.Queue("mails"))
	}
	expectEnd(t, "no mail.send is scheduled", require)
	s.schedule(t, sendMail.Call(mail{"far"}, firefly.Priority(1)))
	s.schedule(t, sendMail.Call(mail{"a"}, firefly.Delay(time.Hour)))
	s.schedule(t, sendMail.Call(mail{"a"}))
	expectEnd(t, `of 3 tasks mail.send, none is the one that is wanted; nearest is task 3, but for queue "default", want "mails"`, require)
	s.schedule(t, sendMail.Call(mail{"a"}, firefly.Queue("mails")))
	if line := ended(t, require); line != "" {
		t.Error(line)
	}
	s.schedule(t, sendMail.Call(mail{"a"}, firefly.Queue("mails")))
	expectEnd(t, "2 tasks mail.send are the one that is wanted: [4 5]", require)
	expectEnd(t, "5 tasks mail.send are scheduled, want none: [1 2 3 4 5]", func(tb *fake) {
		fireflytest.RequireNotScheduled(tb, s.client, sendMail)
	})
	expectEnd(t, "priority 9", func(tb *fake) {
		fireflytest.RequireScheduled(tb, s.client, sendMail, mail{"a"}, firefly.Priority(9))
	})
	expectEnd(t, "does not support Lister", func(tb *fake) {
		fireflytest.Scheduled(tb, fireflytest.NewClient(tb, bare(mem)), sendMail)
	})
	if _, err := mem.Insert(t.Context(), []store.NewTask{{Name: "mail.send", Queue: "q", Encoding: "strange"}}); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, `decode args of task 6: no codec for encoding "strange"`, func(tb *fake) {
		fireflytest.Scheduled(tb, s.client, sendMail)
	})
	_ = mem.Close()
	expectEnd(t, "list tasks: ", require)
}

func TestScheduledReadsManyTasks(t *testing.T) {
	s, _ := newShop(t)
	const many = 2001
	calls := make([]firefly.AnyCall, many)
	for i := range calls {
		calls[i] = sendMail.Call(mail{strconv.Itoa(i)})
	}
	if err := s.client.ScheduleMany(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	got := fireflytest.Scheduled(t, s.client, sendMail)
	if len(got) != many || got[many-1].To != "2000" {
		t.Errorf("there are %d, the last %v", len(got), got[len(got)-1])
	}
}
