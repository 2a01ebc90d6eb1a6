package verify_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/cli/verify"
	"github.com/fireflytasks/go-firefly/store"
)

// command runs the command below a root as that of package cli, and returns what it prints.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return execute(t, verify.Command(func(*cobra.Command) (string, error) { return "memory://", nil }), args...)
}

func execute(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	root := &cobra.Command{Use: "firefly", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().StringP("output", "o", "table", "")
	root.AddCommand(cmd)
	var out strings.Builder
	root.SetOut(&out)
	root.SetArgs(append([]string{"verify"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCommand(t *testing.T) {
	out, err := command(t, "--run", "^ModelRandomWalk$", "--steps", "20")
	if err != nil || !strings.HasPrefix(out, "ok    ModelRandomWalk\n1 cases passed, 0 skipped, 0 failed in ") {
		t.Errorf("error %v, output %q", err, out)
	}
	out, err = command(t, "--run", "^Migration", "-o", "json")
	var r verify.Result
	if err := errors.Join(err, json.Unmarshal([]byte(out), &r)); err != nil || r.Passed != 2 || len(r.Cases) != 2 || r.Cases[0].Rule != 19 {
		t.Errorf("error %v, output %q", err, out)
	}
	for name, args := range map[string][]string{
		"no expression": {"--run", "("},
		"no such case":  {"--run", "nothing", "-o", "json"},
	} {
		if out, err := command(t, args...); !errors.Is(err, store.ErrInvalid) || out != "" {
			t.Errorf("%s: error %v, output %q", name, err, out)
		}
	}
	if _, err := command(t, "more"); err == nil {
		t.Error("an argument is no error")
	}
}

// Failed cases are an error that counts them, in either format.
func TestCommandFails(t *testing.T) {
	for format, want := range map[string]string{"table": "FAIL  SettleCompleteStaleRefused\n", "json": `"outcome": "failed"`} {
		out, err := execute(t, verify.CommandOn(carelessStores), "--run", "^SettleComplete", "-o", format)
		if err == nil || err.Error() != "1 of 3 cases failed" || strings.Count(out, want) != 1 {
			t.Errorf("error %v, output %q", err, out)
		}
	}
}

func TestCommandWithoutAURL(t *testing.T) {
	none := errors.New("name a store")
	_, err := execute(t, verify.Command(func(*cobra.Command) (string, error) { return "", none }))
	if !errors.Is(err, none) {
		t.Errorf("error %v", err)
	}
}
