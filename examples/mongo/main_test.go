package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

const transcript = `a lamp: your lamp is on its way
  mail: your lamp is on its way
a chair: your chair is on its way
  mail: your chair is on its way
a lamp: sorry, the lamp is sold out
  mail: sorry, the lamp is sold out
a spoon: we have no such thing
confirmed orders: 3
in stock: lamp, 0
in stock: chair, 4
`

func TestTranscript(t *testing.T) {
	url := servers.MongoDB(t).URL()
	for range 2 { // it leaves nothing behind, so the second time is as the first
		var out strings.Builder
		if err := run(t.Context(), url, &out); err != nil || out.String() != transcript {
			t.Fatalf("error %v, transcript:\n%s", err, out.String())
		}
	}
}

func TestStandAlone(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), servers.MongoStandAlone(t).URL(), &out)
	if !errors.Is(err, errStandAlone) || strings.Contains(err.Error(), "\n") || out.Len() > 0 {
		t.Errorf("error %v, transcript:\n%s", err, out.String())
	}
}
