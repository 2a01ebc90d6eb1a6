package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // how Redis names scripts
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
)

//go:embed lua/*.lua
var files embed.FS

// A script is sent by its digest, or whole to a server that does not know it.
type script struct{ text, digest string }

type scripts struct{ number, insert, apply, claim, extend, get, admin, sweep, repair script }

func newScripts(clustered bool) scripts {
	common := file("common")
	load := func(name string) script {
		text := fmt.Sprintf("local CLUSTER = %t\n", clustered)
		if name != "insert" {
			text += common
		}
		text += file(name)
		sum := sha1.Sum([]byte(text)) //nolint:gosec // as before
		return script{text, hex.EncodeToString(sum[:])}
	}
	return scripts{
		load("number"), load("insert"), load("apply"), load("claim"), load("extend"), load("get"), load("admin"), load("sweep"),
		load("repair"),
	}
}

func file(name string) string {
	text, _ := files.ReadFile("lua/" + name + ".lua")
	return string(text)
}

// arguments are what every script gets first, and then more.
func (s *Store) arguments(more ...any) []any {
	return append([]any{s.offset().Microseconds(), s.sender}, more...)
}

// run runs a script with each of the lists of arguments, in one round trip, and returns the answers.
// An error proves nothing if some of them were run before; of one list it is as [explain] says.
func (s *Store) run(ctx context.Context, sc *script, lists ...[]any) ([][]any, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := s.look(ctx); err != nil {
		return nil, err
	}
	answers := make([][]any, 0, len(lists))
	for try := 1; ; try++ {
		more, err := s.runOn(ctx, sc, lists[len(answers):])
		answers = append(answers, more...)
		if err == nil {
			return answers, nil
		}
		if !s.server.moved(ctx, err) || try == movedTries {
			return nil, s.failed(err, len(answers) > 0)
		}
		select {
		case <-time.After(movedPause):
		case <-ctx.Done():
			return nil, s.failed(ctx.Err(), len(answers) > 0)
		}
	}
}

// failed explains an error after which some scripts were run, or none.
func (s *Store) failed(err error, some bool) error {
	if s.beside.Closed() && errors.Is(err, goredis.ErrClosed) {
		return store.ErrClosed
	}
	err = explain(err)
	if some {
		return unknown{err}
	}
	return err
}

// unknown is an error that comes when a part was done: it proves nothing, whatever it proved of its
// part.
type unknown struct{ err error }

func (e unknown) Error() string { return "after a part of the batch was applied: " + e.err.Error() }

// An evaluator is a client or a pipeline.
type evaluator interface {
	EvalSha(ctx context.Context, digest string, keys []string, args ...any) *goredis.Cmd
	Eval(ctx context.Context, text string, keys []string, args ...any) *goredis.Cmd
}

// runOn runs the scripts on the node in charge, and returns the answers up to the first that fails.
func (s *Store) runOn(ctx context.Context, sc *script, lists [][]any) ([][]any, error) {
	node, err := s.server.node(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: the cluster's state cannot be read: %w", store.ErrUnavailable, err)
	}
	keys := []string{s.key("id")}
	cmds, err := s.send(ctx, node, len(lists), func(e evaluator, i int) *goredis.Cmd {
		return e.EvalSha(ctx, sc.digest, keys, lists[i]...)
	})
	answers := make([][]any, 0, len(lists))
	for i, cmd := range cmds {
		if goredis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
			var whole []*goredis.Cmd
			whole, err = s.send(ctx, node, 1, func(e evaluator, _ int) *goredis.Cmd {
				return e.Eval(ctx, sc.text, keys, lists[i]...)
			})
			cmd = whole[0]
		}
		answer, failed := cmd.Slice()
		if failed != nil {
			if !allRefused(cmds[i+1:]) {
				failed = unknown{failed}
			}
			return answers, failed
		}
		answers = append(answers, answer)
	}
	return answers, err
}

// allRefused reports whether none of the commands was run.
func allRefused(cmds []*goredis.Cmd) bool {
	return !slices.ContainsFunc(cmds, func(cmd *goredis.Cmd) bool { return cmd.Err() == nil || !store.IsDefinite(explain(cmd.Err())) })
}

// send sends n commands in one round trip. Its error is that too few replicas have what they wrote.
func (s *Store) send(
	ctx context.Context, node *goredis.Client, n int, command func(e evaluator, i int) *goredis.Cmd,
) ([]*goredis.Cmd, error) {
	if n == 1 && s.replicas == 0 {
		return []*goredis.Cmd{command(node, 0)}, nil
	}
	p := node.Pipeline()
	cmds := make([]*goredis.Cmd, n)
	for i := range cmds {
		cmds[i] = command(p, i)
	}
	var acknowledged *goredis.IntCmd
	if s.replicas > 0 {
		acknowledged = goredis.NewIntCmd(ctx, "wait", s.replicas, s.replicasIn.Milliseconds())
		_ = p.Process(ctx, acknowledged)
	}
	_, _ = p.Exec(ctx) // each command has its own error
	if acknowledged != nil && acknowledged.Err() == nil && acknowledged.Val() < int64(s.replicas) {
		return cmds, fmt.Errorf("%d of %d replicas have it after %s", acknowledged.Val(), s.replicas, s.replicasIn)
	}
	if acknowledged != nil {
		return cmds, acknowledged.Err()
	}
	return cmds, nil
}
