package servers_test

import (
	"errors"
	"testing"

	"github.com/fireflytasks/go-firefly/internal/servers"
)

func TestOnFreePort(t *testing.T) {
	const highest = 10_250
	taken := errors.New("taken")
	t.Run("another is tried", func(t *testing.T) {
		var tried []int
		err := servers.OnFreePort(highest, func(port int) error {
			tried = append(tried, port)
			if len(tried) < 3 {
				return taken
			}
			return nil
		})
		if err != nil || len(tried) != 3 {
			t.Errorf("ports %v, error %v", tried, err)
		}
		for _, port := range tried {
			if port < 1024 || port > highest {
				t.Errorf("the port %d is not for servers", port)
			}
		}
	})
	t.Run("in the end it fails", func(t *testing.T) {
		if err := servers.OnFreePort(highest, func(int) error { return taken }); !errors.Is(err, taken) {
			t.Errorf("error %v", err)
		}
	})
}
