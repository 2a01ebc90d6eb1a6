package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/fireflytasks/go-firefly/firefly"
	"github.com/fireflytasks/go-firefly/store"
)

// A command of --exec runs the tasks of a name.
type command struct{ name, text string }

// readCommands reads the values of --exec.
func readCommands(ctx context.Context, values []string) ([]command, error) {
	var commands []command
	for _, value := range values {
		name, text, _ := strings.Cut(value, "=")
		if err := store.CheckName(name); err != nil {
			return nil, usagef("--exec %q: the name %w: write NAME=COMMAND", value, err)
		}
		if strings.TrimSpace(text) == "" {
			return nil, usagef("--exec %s has no command: write %s=COMMAND", name, name)
		}
		if word := program(text); word != "" && !hasProgram(ctx, word) && ctx.Err() == nil {
			return nil, usagef("--exec %s: there is no command %q: install it, or give its path", name, word)
		}
		commands = append(commands, command{name, text})
	}
	return commands, nil
}

// plainStart matches a command whose first word is a program, or a word of the shell's own, as it stands.
var plainStart = regexp.MustCompile(`^\s*([\w./+][\w./+-]*)(\s+[^\s(]|\s*$)`)

// program returns the program of a command, if the shell is not needed to know.
func program(text string) string {
	if m := plainStart.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// handler runs the command for each task, and takes at most so many bytes of output, or as many as
// the engine does by default.
func (c command) handler(mostOutput int, options ...firefly.DeclareOption) firefly.Handler {
	if mostOutput == 0 {
		mostOutput = firefly.DefaultMaxPayload
	}
	task := firefly.Declare[firefly.None, json.RawMessage](c.name, options...)
	return task.Handle(func(ctx context.Context, _ firefly.None) (json.RawMessage, error) {
		info, ok := firefly.Attempt(ctx)
		if !ok {
			return nil, store.ErrNoAttempt
		}
		params, err := paramsJSON(&info.Task)
		if err != nil {
			return nil, firefly.Permanent(err)
		}
		return c.run(ctx, info, params, mostOutput)
	})
}

// paramsJSON returns a task's params as JSON. A task without any has null.
func paramsJSON(t *store.Task) (params json.RawMessage, err error) {
	base64 := firefly.Base64(firefly.JSON)
	switch {
	case t.Params == nil:
		return json.RawMessage("null"), nil
	case t.Encoding == base64.Name():
		err = base64.Unmarshal(t.Params, &params)
	case t.Encoding == firefly.JSON.Name():
		err = json.Unmarshal(t.Params, &params)
	default:
		err = errors.New("a command reads JSON only")
	}
	if err != nil {
		return nil, fmt.Errorf("params in the encoding %q: %w", t.Encoding, err)
	}
	return params, nil
}
