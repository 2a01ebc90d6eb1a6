package redis

import (
	"bytes"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/fireflytasks/go-firefly/store"
)

// What the server holds may be anything that somebody else has put there: it is read, or said to be
// damaged.
func FuzzRecord(f *testing.F) {
	f.Add("1000\x002000\x000:default\x00mail\x00\x00json\x003\x001000\x000\x00-1\x002\x0042", "1\x000\x00\x00", "")
	f.Add("1\x002\x00-5:q\x00n\x00key\x00json\x000\x000\x000\x007\x00-1\x00{\"a\":\"b\"}", "2\x001\x003000\x00[[\"1\",\"4000\",\"boom\"]]", "")
	f.Add("", "\x00\x00\x00", "c0000000000001000aaaaaaaaaaaaaaaa+3")
	f.Add("", "1\x001\x001e15\x00null", "x0000000000001000aaaaaaaaaaaaaaaa-")
	f.Fuzz(func(t *testing.T, record, state, ending string) {
		var task store.Task
		if err := readRecord(&task, record, state); err == nil {
			if len(task.Params) > len(record) || len(task.Errors) > len(state) {
				t.Errorf("%q and %q became %+v", record, state, task)
			}
		} else if !errors.Is(err, errDamaged) {
			t.Errorf("%q and %q: %v", record, state, err)
		}
		if err := readEnding(&task, ending); err == nil {
			if !task.Status.Terminal() || len(task.Returned) > len(ending) || task.Finished.Year() > 300_000 {
				t.Errorf("%q became %+v", ending, task)
			}
		} else if !errors.Is(err, errDamaged) {
			t.Errorf("%q: %v", ending, err)
		}
	})
}

// What a record is made of comes back, whatever bytes it is.
func FuzzRecordRoundtrip(f *testing.F) {
	f.Add("json", []byte(`{"a":1}`), "trace", "t\x001", int64(1000), int64(0), 3)
	f.Add("", []byte(nil), "", "", int64(-1), int64(1<<62), -1)
	f.Fuzz(func(t *testing.T, encoding string, params []byte, key, value string, delay, timeout int64, retries int) {
		meta := map[string]string{key: value}
		in := store.NewTask{
			Name: "n", Queue: "q", Encoding: encoding, Params: params, Meta: meta,
			RetryDelay: time.Duration(delay), Timeout: time.Duration(timeout), MaxRetries: retries,
		}
		if in.Validate() != nil {
			t.Skip("no store is asked to keep it")
		}
		var out store.Task
		head := "1000\x002000\x000:q\x00n\x00\x00" // which the server writes
		if err := readRecord(&out, head+string(restOf(&in)), ""); err != nil {
			t.Fatal(err)
		}
		if out.Encoding != encoding || !bytes.Equal(out.Params, params) || !maps.Equal(out.Meta, meta) ||
			out.RetryDelay != in.RetryDelay || out.Timeout != in.Timeout || out.MaxRetries != retries {
			t.Errorf("%+v became %+v", in, out)
		}
	})
}
