package cli_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/cli"
)

func TestVersion(t *testing.T) {
	s := &shell{config: cli.Config{Name: "shop", Version: "v1.2.3"}}
	if got := s.ok(t, "version"); !strings.HasPrefix(got, "shop v1.2.3, firefly ") {
		t.Error(got)
	}
	var v struct{ Version, Firefly, Go string }
	if err := json.Unmarshal([]byte(s.ok(t, "version", "-o", "json")), &v); err != nil {
		t.Fatal(err)
	}
	if v.Version != "v1.2.3" || v.Firefly == "" || v.Go != runtime.Version() {
		t.Errorf("%+v", v)
	}
}

func TestWrongUsage(t *testing.T) {
	s := onSQLite(t)
	for _, test := range []struct {
		text string
		args []string
	}{
		{`unknown command "versions" for "firefly": did you mean version?`, []string{"versions"}},
		{`unknown flag: --nope: see "firefly version --help"`, []string{"version", "--nope"}},
		{`unexpected argument "x"`, []string{"version", "x"}},
		{`invalid argument "xml" for "-o, --output" flag: use table or json: see "firefly version --help"`, []string{"version", "-o", "xml"}},
	} {
		s.fails(t, cli.ExitUsage, test.text, test.args...)
	}
}
