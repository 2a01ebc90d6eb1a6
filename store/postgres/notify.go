package postgres

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fireflytasks/go-firefly/internal/wake"
)

// channel is what the store's processes notify each other on.
func (s *Store) channel() string { return "firefly." + s.schema }

const (
	// A NOTIFY takes a lock that all who notify wait for until they have committed. So it is sent
	// in a transaction of its own, which does nothing else and waits for no disk, and no sooner
	// than so long after the last one.
	notifyEvery = 5 * time.Millisecond
	// In the application's transaction it can only be sent with the commit, and is so rarely that
	// it does not matter.
	notifyInEvery = 250 * time.Millisecond

	mostPayload = 7000 // bytes; PostgreSQL takes up to 7,999
)

// A mailbox collects news and sends it, as one message, soon after: at once if the last one was
// sent a while ago.
type mailbox struct {
	s      *Store
	sender string // to know one's own messages

	mu     sync.Mutex
	news   wake.News
	busy   bool
	lastIn time.Time // when the last one was sent in a transaction of the application's
}

func (m *mailbox) init(s *Store) {
	m.s = s
	m.sender = rand.Text()[:8]
}

func (m *mailbox) put(n *wake.News) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, queue := range n.Queues {
		m.news.Due(queue)
		for _, id := range n.Cancels[queue] {
			m.news.Cancelled(queue, id)
		}
	}
	if !m.busy {
		m.busy = true
		m.s.beside.Go(m.send)
	}
}

// send sends until there is no news. That a message is lost is no matter.
func (m *mailbox) send(ctx context.Context) {
	for {
		m.mu.Lock()
		news := m.news
		m.news = wake.News{}
		m.busy = len(news.Queues) > 0
		m.mu.Unlock()
		if len(news.Queues) == 0 {
			return
		}
		_ = m.s.callOnce(ctx, func(q *session) error { return m.post(ctx, q, &news) })
		select {
		case <-time.After(notifyEvery):
		case <-ctx.Done():
		}
	}
}

func (m *mailbox) post(ctx context.Context, q *session, news *wake.News) error {
	return q.query(ctx, "SELECT pg_notify($1, p) FROM unnest($2::text[]) AS x (p)",
		[]any{m.s.channel(), payloads(m.sender, news)}, func(scanner) error { return nil })
}

// notifyIn sends news together with a commit of the application's, unless that was just done. This
// process hears it when it has happened, as the others do.
func (s *Store) notifyIn(ctx context.Context, q *session) {
	m := &s.mailbox
	m.mu.Lock()
	now := time.Now()
	send := s.notify && len(q.news.Queues) > 0 && now.Sub(m.lastIn) > notifyInEvery
	if send {
		m.lastIn = now
	}
	m.mu.Unlock()
	if send {
		_ = q.query(ctx, "SELECT pg_notify($1, $2)", []any{s.channel(), payloads("-", &q.news)[0]}, func(scanner) error { return nil })
	}
	q.news = wake.News{}
}

// payloads writes news as messages: the sender's mark, and for each queue its name, followed by
// the ids of its tasks that are to be cancelled. Names hold no space and no comma.
func payloads(sender string, news *wake.News) []string {
	var all []string
	text := sender
	for _, queue := range news.Queues {
		part := " " + queue
		for _, id := range news.Cancels[queue] {
			if len(part) > mostPayload/2 {
				break // the next heartbeat tells of the others
			}
			part += "," + strconv.FormatInt(id, 10)
		}
		if len(text)+len(part) > mostPayload {
			all = append(all, text)
			text = sender
		}
		text += part
	}
	return append(all, text)
}

// readPayload is the reverse of payloads. An unknown form is an error: some other program's.
func readPayload(text string) (sender string, news wake.News, err error) {
	parts := strings.Split(text, " ")
	for _, part := range parts[1:] {
		fields := strings.Split(part, ",")
		news.Due(fields[0])
		for _, field := range fields[1:] {
			id, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return "", news, fmt.Errorf("notification %q: %w", text, err)
			}
			news.Cancelled(fields[0], id)
		}
	}
	if slices.Contains(news.Queues, "") {
		return "", news, fmt.Errorf("notification %q names no queue", text)
	}
	return parts[0], news, nil
}
