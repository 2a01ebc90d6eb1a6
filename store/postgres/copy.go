package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fireflytasks/go-firefly/internal/wake"
	"github.com/fireflytasks/go-firefly/store"
)

// copyFrom is the number of tasks from which on COPY costs less than a call of the function. It
// takes tasks without keys that are no repeats: COPY knows no conflicts.
const copyFrom = 200

// copyIn stores tasks by COPY, in a transaction.
func (s *Store) copyIn(ctx context.Context, tasks []store.NewTask, part []int, out []store.Inserted, news *wake.News) error {
	conn, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	pg := conn.Conn()
	defer rollbackOpen(ctx, pg)
	at, err := s.beginAt(ctx, pg)
	if err != nil {
		return store.Definite(s.explain(err))
	}
	var rows, waits bytes.Buffer
	rows.Grow(sizeOf(tasks, part))
	waits.Grow(len(part) * rowSize)
	created := map[string]int64{}
	startCopy(&rows)
	startCopy(&waits)
	for _, i := range part {
		out[i] = store.Inserted{ID: tasks[i].ID, Created: at, Due: dueOf(&tasks[i], at)}
		created[tasks[i].Queue]++
		copyTask(&rows, &tasks[i], at, out[i].Due)
		copyReady(&waits, &tasks[i], out[i].Due)
	}
	endCopy(&rows)
	endCopy(&waits)
	for _, c := range []struct {
		into string
		rows *bytes.Buffer
	}{{copyTaskInto, &rows}, {copyReadyInto, &waits}} {
		if _, err := pg.PgConn().CopyFrom(ctx, c.rows, inSchema(c.into, s.schema)); err != nil {
			return store.Definite(s.explain(err)) // not committed yet
		}
	}
	if err := s.tallyAndCommit(ctx, pg, created); err != nil {
		return s.explain(err)
	}
	noteDue(tasks, part, out, at, news)
	s.work.wrote()
	return nil
}

// rollbackOpen ends a transaction that was not committed.
func rollbackOpen(ctx context.Context, conn *pgx.Conn) {
	if conn.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_, _ = conn.Exec(ctx, "ROLLBACK") // if that fails, the pool drops the connection
}

// rowSize is about what a row takes beside its arguments.
const rowSize = 150

func sizeOf(tasks []store.NewTask, part []int) int {
	bytes := len(part) * rowSize
	for _, i := range part {
		bytes += len(tasks[i].Params)
	}
	return bytes
}

// beginAt begins a transaction, and returns its time by the server's clock. What it commits is on
// the disk.
func (s *Store) beginAt(ctx context.Context, conn *pgx.Conn) (at time.Time, err error) {
	const text = `SELECT clock_timestamp() + $1::bigint * interval '1 microsecond',
		CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END`
	var raised *string
	var b pgx.Batch
	b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	b.Queue(text, s.skew()).QueryRow(func(row pgx.Row) error { return row.Scan(&at, &raised) })
	err = conn.SendBatch(ctx, &b).Close()
	return at.UTC(), err
}

// tallyAndCommit commits. Until it is called nothing is in doubt.
func (s *Store) tallyAndCommit(ctx context.Context, conn *pgx.Conn, created map[string]int64) error {
	queues, counts := make([]string, 0, len(created)), make([]int64, 0, len(created))
	for queue, n := range created {
		queues, counts = append(queues, queue), append(counts, n)
	}
	const text = "INSERT INTO firefly.tally (queue, created) SELECT * FROM unnest($1::text[], $2::bigint[])"
	var b pgx.Batch
	b.Queue(inSchema(text, s.schema), queues, counts)
	b.Queue("COMMIT")
	return conn.SendBatch(ctx, &b).Close()
}

// The binary format of COPY: https://www.postgresql.org/docs/current/sql-copy.html. A row is its
// number of fields, and for each its length, or -1 for none, and its value.

const (
	copyTaskInto = "COPY firefly.task (id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, " +
		"params, meta) FROM STDIN BINARY"
	copyReadyInto = "COPY firefly.ready (id, due, priority, queue, name) FROM STDIN BINARY"
)

func startCopy(b *bytes.Buffer) {
	b.WriteString("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
}
func endCopy(b *bytes.Buffer) { copyInt16(b, -1) }

func copyTask(b *bytes.Buffer, n *store.NewTask, at, due time.Time) {
	copyInt16(b, 12)
	copyBig(b, n.ID)
	copyTime(b, due)
	copyTime(b, at)
	copyBig(b, int64(n.RetryDelay))
	copyBig(b, int64(n.Timeout))
	copyInt32(b, 4)
	copyInt32(b, int32(n.MaxRetries)) //nolint:gosec // validated
	copySmall(b, n.Priority)
	copyText(b, n.Name)
	copyText(b, n.Queue)
	copyText(b, n.Encoding)
	if n.Params == nil {
		copyInt32(b, -1)
	} else {
		copyInt32(b, int32(len(n.Params))) //nolint:gosec // validated
		b.Write(n.Params)
	}
	if n.Meta == nil {
		copyInt32(b, -1)
	} else {
		copyText(b, "\x01"+metaText(n.Meta)) // jsonb: its version and its text
	}
}

func copyReady(b *bytes.Buffer, n *store.NewTask, due time.Time) {
	copyInt16(b, 5)
	copyBig(b, n.ID)
	copyTime(b, due)
	copySmall(b, n.Priority)
	copyText(b, n.Queue)
	copyText(b, n.Name)
}

// epoch is where PostgreSQL counts microseconds from: 2000-01-01.
const epoch = 946_684_800_000_000

func copyTime(b *bytes.Buffer, t time.Time) { copyBig(b, t.UnixMicro()-epoch) }

func copyText(b *bytes.Buffer, s string) {
	copyInt32(b, int32(len(s))) //nolint:gosec // validated
	b.WriteString(s)
}

func copyBig(b *bytes.Buffer, n int64) {
	copyInt32(b, 8)
	b.Write(binary.BigEndian.AppendUint64(b.AvailableBuffer(), uint64(n))) //nolint:gosec // two's complement
}

func copySmall(b *bytes.Buffer, n int) {
	copyInt32(b, 2)
	copyInt16(b, int16(n)) //nolint:gosec // -2..2
}

func copyInt32(b *bytes.Buffer, n int32) {
	b.Write(binary.BigEndian.AppendUint32(b.AvailableBuffer(), uint32(n))) //nolint:gosec // two's complement
}

func copyInt16(b *bytes.Buffer, n int16) {
	b.Write(binary.BigEndian.AppendUint16(b.AvailableBuffer(), uint16(n))) //nolint:gosec // two's complement
}
