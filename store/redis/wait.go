package redis

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// Wait implements [store.Waiter]. It hears what this process does, at once, and what others do by a
// subscription: scripts publish when a task comes into a lane where none was due. Tasks that fall due
// by and by, and what was not heard, the engine finds by polling.
func (s *Store) Wait(ctx context.Context, queues []string) (store.Hint, error) {
	s.listen.Do(func() { s.beside.Go(s.hear) })
	return s.board.Wait(ctx, s.beside.Done(), queues)
}

// hear passes on what other processes publish, until the store is closed. The subscription is renewed
// when its connection breaks, when the namespace moves, and when the server does not answer.
func (s *Store) hear(ctx context.Context) {
	for ctx.Err() == nil {
		s.hearOn(ctx)
		select {
		case <-time.After(renewPause):
		case <-ctx.Done():
		}
	}
}

const (
	renewPause = 100 * time.Millisecond
	silence    = 3 * time.Second // after which the server is asked whether it is there
)

// hearOn passes on what comes by one subscription. go-redis would renew it by itself, but take no
// notice if the node that it asks does not have the namespace any more.
func (s *Store) hearOn(ctx context.Context) {
	sub := s.server.subscribe(ctx, s.key("wake"))
	defer func() { _ = sub.Close() }()
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for asked := false; ; {
		m, err := sub.ReceiveTimeout(ctx, silence)
		var quiet net.Error
		switch {
		case err == nil:
			asked = false
		case errors.As(err, &quiet) && quiet.Timeout() && !asked:
			asked = true
			if err := sub.Ping(ctx); err != nil {
				return
			}
			continue
		default:
			s.server.moved(ctx, err)
			return
		}
		if of, ok := m.(*goredis.Subscription); ok && of.Kind == "sunsubscribe" { // the slot has moved
			return
		}
		s.heard(m)
	}
}

// heard takes a message, or word of a new subscription, before which something may have been missed.
func (s *Store) heard(m any) {
	switch m := m.(type) {
	case *goredis.Subscription:
		s.board.AnnounceAll()
	case *goredis.Message:
		if sender, news, ok := readMessage(m.Payload); ok && sender != s.sender {
			s.board.Announce(&news)
		}
	}
}

// readMessage reads what the scripts publish: the sender's mark, a queue, and after commas the ids of
// its tasks that are to be cancelled. False is some other program's.
func readMessage(text string) (sender string, news wake.News, ok bool) {
	sender, rest, ok := strings.Cut(text, " ")
	fields := strings.Split(rest, ",")
	if !ok || slices.Contains(fields, "") {
		return "", news, false
	}
	news.Due(fields[0])
	for _, field := range fields[1:] {
		id, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return "", news, false
		}
		news.Cancelled(fields[0], id)
	}
	return sender, news, true
}
