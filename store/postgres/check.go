package postgres

import (
	"context"
	"fmt"

	"github.com/fireflytasks/go-firefly/store"
)

// leastServer is the oldest server that the tests run on, as server_version_num has it.
const leastServer = 150000

// Durability is what the server's settings let survive a crash of its machine.
type Durability struct {
	Fsync             bool   // off: a crash of the machine may destroy the database
	FullPageWrites    bool   // off: as without fsync, on most file systems
	SynchronousCommit string // the default; what it is too weak for, the store raises to "on"
}

// Durability returns the server's settings.
func (s *Store) Durability(ctx context.Context) (d Durability, err error) {
	err = s.call(ctx, func(q *session) error {
		d, err = q.durability(ctx)
		return err
	})
	return d, err
}

func (q *session) durability(ctx context.Context) (d Durability, err error) {
	const text = `SELECT current_setting('fsync')::boolean, current_setting('full_page_writes')::boolean,
		current_setting('synchronous_commit')`
	err = q.query(ctx, text, nil, func(r scanner) error { return r.Scan(&d.Fsync, &d.FullPageWrites, &d.SynchronousCommit) })
	return d, err
}

// look finds out, once, whether the server and the tables are fit for use, and starts what runs
// beside the calls.
func (s *Store) look(ctx context.Context) error {
	if s.ready.Load() {
		return nil
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	if s.ready.Load() {
		return nil
	}
	conn, err := s.own.Acquire(ctx)
	if err != nil {
		return s.undone(err)
	}
	defer conn.Release()
	if err := s.inspect(ctx, s.session(conn, false), conn); err != nil {
		return store.Definite(fmt.Errorf("postgres: %w", s.explain(err))) // nothing but reads
	}
	s.beside.Go(s.tend)
	s.ready.Store(true)
	return nil
}

func (s *Store) inspect(ctx context.Context, q *session, conn querier) error {
	var server int
	err := q.query(ctx, "SELECT current_setting('server_version_num')::integer", nil, func(r scanner) error { return r.Scan(&server) })
	if err != nil {
		return err
	}
	if server < leastServer {
		return fmt.Errorf("the server's version is %d.%d, and %d is the oldest that will do", server/10000, server%10000, leastServer/10000)
	}
	v, err := s.version(ctx, conn)
	if err == nil {
		err = v.check()
	}
	if err != nil {
		return fmt.Errorf("schema %s: %w", s.schema, err)
	}
	if err := s.checkOwner(ctx, q); err != nil {
		return err
	}
	d, err := q.durability(ctx)
	if err == nil && (!d.Fsync || !d.FullPageWrites) {
		s.logger.WarnContext(ctx, "firefly: the server may lose its database when its machine crashes: set fsync and full_page_writes on",
			"fsync", d.Fsync, "full_page_writes", d.FullPageWrites)
	}
	return err
}

// checkOwner tells what will not be done if the role does not own the tables.
func (s *Store) checkOwner(ctx context.Context, q *session) error {
	const text = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'firefly.task'::regclass"
	owns := true
	err := q.query(ctx, inSchema(text, s.schema), nil, func(r scanner) error { return r.Scan(&owns) })
	if err == nil && !owns {
		s.logger.WarnContext(ctx, "firefly: this role does not own the tables, so it can neither vacuum them nor make and drop "+
			"partitions: let workers use the owner's role, or set autovacuum_naptime to a few seconds and run Migrate as the owner "+
			"once a week",
			"schema", s.schema)
	}
	return err
}
