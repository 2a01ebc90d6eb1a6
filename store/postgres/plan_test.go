package postgres_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The calls whose plans must not depend on statistics, in an order in which each finds work for a
// hundred tasks. A lease of id %s holds them.
var plannedCalls = []struct{ name, text string }{
	{"insert", `SELECT * FROM firefly.insert_1(0, false, array(SELECT generate_series(900001, 900100)), array_fill('n'::text, '{100}'),
		array_fill('q'::text, '{100}'), array_fill(0::smallint, '{100}'), array_fill('json'::text, '{100}'), array_fill('1'::bytea, '{100}'),
		array_fill(NULL::text, '{100}'), array_fill(NULL::timestamptz, '{100}'), array_fill(0::bigint, '{100}'), array_fill(0, '{100}'),
		array_fill(0::bigint, '{100}'), array_fill(0::bigint, '{100}'), array_fill(NULL::text, '{100}'), array_fill(false, '{100}'))`},
	{"insert again, with keys", `SELECT * FROM firefly.insert_1(0, true, array(SELECT generate_series(900051, 900150)), array_fill('n'::text, '{100}'),
		array_fill('q'::text, '{100}'), array_fill(0::smallint, '{100}'), array_fill('json'::text, '{100}'), array_fill('1'::bytea, '{100}'),
		array_fill(NULL::text, '{100}'), array_fill(NULL::timestamptz, '{100}'), array_fill(0::bigint, '{100}'), array_fill(0, '{100}'),
		array_fill(0::bigint, '{100}'), array_fill(0::bigint, '{100}'), array(SELECT 'k' || g FROM generate_series(1, 100) g), array_fill(true, '{100}'))`},
	{"claim", `SELECT * FROM firefly.claim_1(0, '{q,q,q,q,q}', '{2,1,0,-1,-2}', NULL, '{n}', 100, '$lease', 60000000, 'w', '{}')`},
	{"claim again", `SELECT * FROM firefly.claim_1(0, '{q,q,q,q,q}', '{2,1,0,-1,-2}', NULL, '{n}', 100, '$lease', 60000000, 'w', '{}')`},
	{"extend", `SELECT * FROM firefly.extend_1(0, 60000000, '{$lease}')`},
	{"get", `SELECT * FROM firefly.get_1(array(SELECT unnest(ids) FROM firefly.lease))`},
	{"complete", `SELECT firefly.complete_1(0, true, ids[1:60], array_fill(lease_id, '{60}'), '1', array_fill(1, '{60}'), array_fill(1, '{60}')) FROM firefly.lease`},
	{"complete again", `SELECT firefly.complete_1(0, true, ids[1:60], array_fill(lease_id, '{60}'), '1', array_fill(1, '{60}'), array_fill(1, '{60}')) FROM firefly.lease`},
	{"fail", `SELECT firefly.fail_1(0, true, ids[61:70], array_fill(lease_id, '{10}'), array_fill(false, '{10}'), array_fill(1, '{10}'), array_fill('no'::text, '{10}')) FROM firefly.lease`},
	{"reschedule", `SELECT firefly.reschedule_1(0, false, ids[71:80], array_fill(lease_id, '{10}'), array_fill(0::smallint, '{10}'), array_fill(0::bigint, '{10}'), array_fill(1, '{10}'), array_fill('no'::text, '{10}')) FROM firefly.lease`},
	{"cancel", `SELECT firefly.cancel_1(0, ids[71:75]) FROM firefly.lease`},
	{"take back", `SELECT firefly.take_back_1(clock_timestamp() + interval '1 hour')`},
	{"forget", `SELECT firefly.forget_1(now(), '{$lease}')`},
	{"retry", `SELECT firefly.retry_1(0, array(SELECT id FROM firefly.failed))`},
	{"set due", `SELECT firefly.set_due_1(0, array(SELECT id FROM firefly.task ORDER BY id LIMIT 100), NULL, 0)`},
	{"delete", `SELECT firefly.delete_1(array(SELECT id FROM firefly.completed))`},
}

// pagesOf makes the calls, in a transaction that is rolled back, and returns how many pages each
// touched, in whatever it called in turn.
func pagesOf(t *testing.T, pool *pgxpool.Pool) map[string]int {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	const lease = "00000000-0000-0000-0000-000000000001"
	pages := map[string]int{}
	for _, call := range plannedCalls {
		var explained []byte
		text := "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + strings.ReplaceAll(call.text, "$lease", lease)
		if err := tx.QueryRow(t.Context(), text, pgx.QueryExecModeSimpleProtocol).Scan(&explained); err != nil {
			t.Fatalf("%s: %v", call.name, err)
		}
		var plans []struct {
			Plan map[string]any
		}
		if err := json.Unmarshal(explained, &plans); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"Shared Hit Blocks", "Shared Read Blocks"} {
			n, _ := plans[0].Plan[key].(float64)
			pages[call.name] += int(n)
		}
	}
	scanned, err := tx.Query(t.Context(), `SELECT relname FROM pg_stat_xact_user_tables
		WHERE schemaname = 'firefly' AND seq_scan > 0 AND relname NOT IN ('lease') AND relname !~ '^(failed|completed)'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(scanned, pgx.RowTo[string])
	if err != nil || len(tables) > 0 { // the others are scanned by the calls above themselves
		t.Errorf("tables read from end to end: %v, error %v", tables, err)
	}
	return pages
}

// fill inserts tasks without the store, due at an expression of g.
func fill(t *testing.T, pool *pgxpool.Pool, first, n int, priority int, due string) {
	t.Helper()
	execute(t, pool, fmt.Sprintf(`INSERT INTO firefly.task (id, due, created, retry_delay, timeout, max_retries, priority, name, queue, encoding, params)
		SELECT g, %s, now(), 0, 0, 0, %d, 'n', 'q', 'json', '1' FROM generate_series(%d, %d) AS g`, due, priority, first, first+n-1))
	execute(t, pool, fmt.Sprintf(`INSERT INTO firefly.ready SELECT id, due, priority, queue, name FROM firefly.task WHERE id BETWEEN %d AND %d`,
		first, first+n-1))
}

// No call reads more when the statistics are wrong, or the tables large: the plans are pinned.
func TestPlansDoNotFlip(t *testing.T) {
	million := 1_000_000
	if testing.Short() {
		million = 20_000
	}
	const past, future = "now() - g * interval '1 ms'", "now() + interval '1 day' + g * interval '1 ms'"
	scenes := []struct {
		name    string
		prepare func(t *testing.T, pool *pgxpool.Pool)
	}{
		{"known", func(t *testing.T, pool *pgxpool.Pool) {
			t.Helper()
			fill(t, pool, 1, 1000, 0, past)
			execute(t, pool, "ANALYZE")
		}},
		{"vacuumed when empty", func(t *testing.T, pool *pgxpool.Pool) {
			t.Helper()
			execute(t, pool, "VACUUM ANALYZE")
			fill(t, pool, 1, 1000, 0, past)
		}},
		{"a million to come", func(t *testing.T, pool *pgxpool.Pool) {
			t.Helper()
			fill(t, pool, 1_000_000, million, 2, future)
			fill(t, pool, 1, 1000, 0, past)
			execute(t, pool, "VACUUM ANALYZE")
		}},
		{"a million to come, vacuumed when empty", func(t *testing.T, pool *pgxpool.Pool) {
			t.Helper()
			execute(t, pool, "VACUUM ANALYZE")
			fill(t, pool, 1_000_000, million, 0, future)
			fill(t, pool, 1, 1000, 0, past)
		}},
	}
	var known map[string]int
	for _, scene := range scenes {
		_, pool := openFresh(t)
		for _, table := range []string{"task", "ready"} {
			execute(t, pool, "ALTER TABLE firefly."+table+" SET (autovacuum_enabled = off)")
		}
		scene.prepare(t, pool)
		pages := pagesOf(t, pool)
		if known == nil {
			known = pages
		}
		for _, call := range plannedCalls {
			if got, most := pages[call.name], 2*known[call.name]+300; got > most {
				t.Errorf("%s: %s touches %d pages, and %d where the statistics are right", scene.name, call.name, got, known[call.name])
			}
		}
		t.Logf("%s: pages of 100 tasks: %v", scene.name, pages)
	}
}
