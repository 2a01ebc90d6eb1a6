package main

import (
	"strings"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

const transcript = `example_ada: an album of 2 pictures
  sea.jpg is 800 pixels wide
  hill.jpg is 800 pixels wide
example_bob: an album of 2 pictures
  sea.jpg is 800 pixels wide
  hill.jpg is 800 pixels wide
`

func TestTranscript(t *testing.T) {
	for kind, url := range map[string]func(t *testing.T) string{
		"stand-alone": func(t *testing.T) string { t.Helper(); return servers.RedisServer(t).URL() },
		"cluster": func(t *testing.T) string {
			t.Helper()
			addrs := servers.RedisCluster(t).Addrs()
			return "redis+cluster://" + addrs[0] + "?addr=" + addrs[1]
		},
	} {
		t.Run(kind, func(t *testing.T) {
			server := url(t)
			for range 2 { // it leaves nothing behind, so the second time is as the first
				var out strings.Builder
				if err := run(t.Context(), server, &out); err != nil || out.String() != transcript {
					t.Fatalf("error %v, transcript:\n%s", err, out.String())
				}
			}
		})
	}
}
