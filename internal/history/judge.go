package history

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// patience is for the search for an order.
const patience = 30 * time.Second

// A finding is a task whose calls have no order, or none that was found in time.
type finding struct {
	task       int64
	operations []porcupine.Operation
	result     porcupine.CheckResult
	info       porcupine.LinearizationInfo
}

// judge looks for an order of each task's calls, and returns the first task that has none.
func (h *recorder) judge() *finding {
	for id, operations := range h.byTask() {
		result, info := porcupine.CheckOperationsVerbose(model, operations, patience)
		if result != porcupine.Ok {
			return &finding{id, operations, result, info}
		}
	}
	return nil
}

// count returns how many calls there were, and how many are in doubt.
func (h *recorder) count() (total, doubts int) {
	for _, o := range h.operations {
		if as[output](o.Output).doubt {
			doubts++
		}
	}
	return len(h.operations), doubts
}

// explain lists the calls, and draws them into a file.
func (f *finding) explain(t *testing.T, file string) string {
	t.Helper()
	for _, o := range f.operations {
		t.Logf("%12d..%-20d client %d: %s", o.Call, o.Return, o.ClientId, model.DescribeOperation(o.Input, o.Output))
	}
	if f.result == porcupine.Unknown {
		return fmt.Sprintf("no order of task %d's calls was found within %s", f.task, patience)
	}
	picture := filepath.Join(os.TempDir(), file)
	if err := porcupine.VisualizePath(model, f.info, picture); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("the calls about task %d have no order: see %s", f.task, picture)
}
