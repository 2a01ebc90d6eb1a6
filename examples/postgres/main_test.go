package main

import (
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

const transcript = `a lamp: order 1 is accepted
  mail: order 1, your lamp is on its way
a chair: order 2 is accepted
  mail: order 2, your chair is on its way
a lamp: order 3 is accepted
  mail: order 3, sorry, the lamp is sold out
a spoon: we have no such thing
stock: chair 4, lamp 0
`

func TestTranscript(t *testing.T) {
	url := servers.PostgreSQL(t).Database(t)
	for range 2 { // it leaves nothing behind, so the second time is as the first
		var out strings.Builder
		if err := run(t.Context(), url, &out); err != nil || out.String() != transcript {
			t.Fatalf("error %v, transcript:\n%s", err, out.String())
		}
	}
}
