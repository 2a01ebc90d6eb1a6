package postgres

import (
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// What a row has as JSON may have been changed by somebody else.
func FuzzRow(f *testing.F) {
	f.Add([]byte(`{"a":"b"}`), []byte(`[{"attempt":1,"at":"2026-01-02T03:04:05+01:00","text":"boom"}]`))
	f.Add([]byte(`null`), []byte(`[]`))
	f.Add([]byte(`[1]`), []byte(`{"attempt":1}`))
	f.Fuzz(func(t *testing.T, meta, history []byte) {
		r, task := taskRow{meta: meta, history: history}, store.Task{}
		if err := r.fill(&task); err != nil {
			return
		}
		for _, e := range task.Errors {
			if e.At.Location() != time.UTC {
				t.Errorf("%q: %v is no UTC", history, e.At)
			}
		}
	})
}
