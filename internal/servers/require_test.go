package servers_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestSkippable(t *testing.T) {
	absent := servers.Absent("it is not installed")
	for _, tc := range []struct {
		name, required string
		err            error
		want           bool
	}{
		{"nothing is required", "", absent, true},
		{"it is required", "postgres", absent, false},
		{"it is required among others", "redis,postgres", absent, false},
		{"it is required after a space", "redis, postgres", absent, false},
		{"others are required", "redis,mongodb", absent, true},
		{"another with a longer name is required", "postgresql", absent, true},
		{"it is there and fails", "", errors.New("broken"), false},
		{"an error says more than that it is absent", "", fmt.Errorf("no server: %w", absent), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := servers.Skippable(tc.required, "postgres", tc.err); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
