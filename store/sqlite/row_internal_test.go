package sqlite

import (
	"database/sql"
	"testing"
)

// The columns of a file may hold anything: SQLite has no types but those of its values.
func FuzzRow(f *testing.F) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	f.Add("mail", int64(1), []byte(`1`), `{"a":"b"}`, `[{"attempt":1,"at":"2026-01-02T03:04:05Z","text":"boom"}]`, "running", []byte("0123456789abcdef"), 1.5)
	f.Add("", int64(-1), []byte(nil), "null", "[]", "", []byte(nil), 0.)
	f.Add("1", int64(1)<<62, []byte{0}, "[", "{", "completed", []byte("short"), -1e300)
	f.Fuzz(func(t *testing.T, text string, number int64, blob []byte, meta, history, status string, lease []byte, score float64) {
		rows, err := db.QueryContext(t.Context(), `SELECT ?2, ?1, ?1, ?2, ?1, ?3, ?4, ?2, ?8, ?2, ?2, ?2, ?2, ?2, ?5, ?1, ?6, ?2, ?3, ?7, ?2, ?1, ?2`,
			text, number, blob, meta, history, status, lease, score)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			if task, err := scanTask(rows); err == nil && len(task.Errors) > len(history) {
				t.Errorf("%q became %+v", history, task.Errors)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	})
}
