package redis

import (
	"errors"
	"fmt"
	"net"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/fireflytasks/go-firefly/store"
)

const lacksRight = "the user lacks a right: it needs all commands on the namespace's keys and channel"

// What a server refuses before a script has written anything, and what to do about it. The scripts
// read first, and the server looks at these before the first write.
var refusals = []struct {
	prefix  string
	passing bool // the same call may succeed later
	remedy  string
}{
	{"OOM ", true, "the server is full: raise maxmemory, or delete finished tasks"},
	{"READONLY ", true, "the server is a replica: connect to the primary"},
	{"LOADING ", true, "the server is loading its data"},
	{"MASTERDOWN ", true, "the replica has lost its primary"},
	{"NOREPLICAS ", true, "the server has too few replicas to write"},
	{"MISCONF ", true, "the server cannot write to its disk"},
	{"CLUSTERDOWN ", true, "the cluster does not cover the namespace's slot"},
	{"TRYAGAIN ", true, "the namespace's slot is moving"},
	{"MOVED ", true, "the namespace's slot has moved"},
	{"ASK ", true, "the namespace's slot is moving"},
	{"BUSY ", true, "a script holds the server: SCRIPT KILL ends it"},
	{"NOAUTH ", false, "the server wants a password"},
	{"WRONGPASS ", false, "the server refuses the name or the password"},
	{"NOPERM ", false, lacksRight},
	{"NOSCRIPT ", true, "the server forgot a script while it was sent"},
	{"ERR max number of clients", true, "the server has too many clients"},
	{"UNKILLABLE ", true, "a script holds the server"},
	{"NOGOODSLAVE ", true, "a failover is under way"},
}

// explain says what to do about the errors that have a remedy, and marks as definite those that prove
// that nothing was changed. Whatever breaks on the way proves nothing.
func explain(err error) error {
	if err == nil || store.IsDefinite(err) {
		return err
	}
	var refusal goredis.Error
	if !errors.As(err, &refusal) {
		if neverSent(err) {
			return fmt.Errorf("%w: the server cannot be reached: %w", store.ErrUnavailable, err)
		}
		return err
	}
	text := strings.TrimPrefix(refusal.Error(), "ERR Error running script, ")
	if strings.Contains(text, "The user executing the script ") || strings.Contains(text, "NOPERM ACL failure in script") {
		return fmt.Errorf("%s: %w", lacksRight, err) // taken away since look, and the script may have ended halfway
	}
	for _, r := range refusals {
		switch {
		case !strings.HasPrefix(text, r.prefix):
		case r.passing:
			return fmt.Errorf("%w: %s: %w", store.ErrUnavailable, r.remedy, err)
		default:
			return store.Definite(fmt.Errorf("%s: %w", r.remedy, err))
		}
	}
	switch {
	case strings.Contains(text, "WRONGTYPE"):
		return fmt.Errorf("a key of the namespace is of the wrong kind, some other program's perhaps: use another Namespace: %w", err)
	case strings.Contains(text, "Script killed"):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err) // a script that has written cannot be killed
	default:
		return err
	}
}

// neverSent reports whether an error came before there was a connection.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial" || errors.Is(err, goredis.ErrPoolTimeout) || errors.Is(err, goredis.ErrPoolExhausted)
}
