package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	listenPing  = 30 * time.Second // a connection that is silent for so long is tried
	listenAgain = time.Second      // between two tries to connect
)

// hear passes on what other processes notify, until the store is closed, on a connection of its
// own. While there is none, workers poll.
func (s *Store) hear(ctx context.Context) {
	for ctx.Err() == nil {
		s.hearOn(ctx)
		select {
		case <-time.After(listenAgain):
		case <-ctx.Done():
		}
	}
}

// hearOn connects and listens until the connection breaks.
func (s *Store) hearOn(ctx context.Context) {
	conn, err := s.dial(ctx)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize()); err != nil {
		return
	}
	s.board.AnnounceAll() // something may have been missed
	for {
		quiet, cancel := context.WithTimeout(ctx, listenPing)
		n, err := conn.WaitForNotification(quiet)
		cancel()
		if err != nil {
			if ctx.Err() != nil || quiet.Err() == nil || !s.answers(ctx, conn) {
				return
			}
			continue
		}
		if sender, news, err := readPayload(n.Payload); err == nil && sender != s.mailbox.sender {
			s.board.Announce(&news)
		}
	}
}

// answers tries a connection that was silent.
func (s *Store) answers(ctx context.Context, conn *pgx.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, listenPing)
	defer cancel()
	return conn.Ping(ctx) == nil
}

// dial opens a connection outside of any pool, as the application's pool would.
func (s *Store) dial(ctx context.Context) (*pgx.Conn, error) {
	c := s.own.Config()
	if c.BeforeConnect != nil {
		if err := c.BeforeConnect(ctx, c.ConnConfig); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, c.ConnConfig)
}
