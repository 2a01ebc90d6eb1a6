package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// envSkew is by how many seconds the clock of a skewed binary is wrong.
const envSkew = "FIREFLY_CRASH_SKEW"

// skewed is the tests' own binary, made with a standard library whose clock can be wrong: there is no
// other way to give one process of a machine another time.
var skewed = sync.OnceValues(func() (binary string, err error) {
	dir, err := os.MkdirTemp("", "firefly-skew-")
	if err != nil {
		return "", err
	}
	overlay, err := skewOverlay(dir)
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "skewed.test")
	_, err = goCommand("test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".")
	return binary, err
})

// skewOverlay writes what the go command is to read instead of a file of package time, and beside it.
func skewOverlay(dir string) (file string, err error) {
	root, err := goCommand("env", "GOROOT")
	if err != nil {
		return "", err
	}
	time := filepath.Join(strings.TrimSpace(root), "src", "time")
	source, err := os.ReadFile(filepath.Join(time, "time.go"))
	if err != nil {
		return "", err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(source), now) != 1 {
		return "", fmt.Errorf("time.Now of this version of Go is not as it was: see %s", time)
	}
	replace := map[string]string{}
	for name, text := range map[string]string{
		"time.go": strings.Replace(string(source), now, now+"\tsec += skew\n", 1),
		"skew.go": "package time\n\nimport \"syscall\"\n\nvar skew = func() int64 {\n\ttext, _ := syscall.Getenv(\"" + envSkew +
			"\")\n\tn, _ := atoi(text)\n\treturn int64(n)\n}()\n",
	} {
		replace[filepath.Join(time, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, text, 0o600)
}

func goCommand(arguments ...string) (string, error) {
	command := exec.Command("go", arguments...) //nolint:noctx // it serves all tests
	out, err := command.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%v: %w: %s", command, err, out)
	}
	return string(out), err
}

// shiftClock has one of the workers' clocks be an hour behind, or ahead.
func (c *cell) shiftClock() (heal func()) {
	binary, err := skewed()
	if err != nil {
		c.Fatal(err)
	}
	i := c.any()
	c.crew[i].kill()
	punctual := c.orders
	c.exe, c.orders.Skew = binary, time.Hour
	if c.random.IntN(2) == 0 {
		c.orders.Skew = -time.Hour
	}
	c.replace(i)
	c.exe, c.orders = "", punctual
	return func() {}
}
