package firefly_test

import (
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/firefly"
)

func TestArgs(t *testing.T) {
	inWorld(t, func(w *world) {
		h := scheduled[int](w)(Add.Schedule(w.Context(), w.client, AddArgs{1, 3}))
		task := w.task(h.ID())
		if args, err := Add.Args(w.client, task); err != nil || args != (AddArgs{1, 3}) {
			t.Errorf("args are %v, error %v", args, err)
		}
		renamed := firefly.Declare[AddArgs, int]("math.sum", firefly.Aliases("math.add"))
		if args, err := renamed.Args(w.client, task); err != nil || args != (AddArgs{1, 3}) {
			t.Errorf("of a former name, args are %v, error %v", args, err)
		}
		if _, err := job.Args(w.client, task); err == nil || !strings.Contains(err.Error(), "it is a math.add, not a "+job.Name()) {
			t.Errorf("of another task: error %v", err)
		}
		strange := task
		strange.Encoding = "strange"
		if _, err := Add.Args(w.client, strange); err == nil || !strings.Contains(err.Error(), `no codec for encoding "strange"`) {
			t.Errorf("of an unknown encoding: error %v", err)
		}
		strange = task
		strange.Params = []byte("{")
		if _, err := Add.Args(w.client, strange); err == nil || !strings.Contains(err.Error(), "decode args of task 1") {
			t.Errorf("of broken bytes: error %v", err)
		}
	})
}
