package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/fireflytasks/go-firefly/open"
	"github.com/fireflytasks/go-firefly/store"
)

const callTimeout = time.Minute

// EnvStore is the environment variable that names the store where --store does not.
const EnvStore = "FIREFLY_STORE"

// withStore makes the body of a command that works on the store, which it opens and closes.
func (a *app) withStore(body func(cmd *cobra.Command, s store.Store, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		s, done, err := a.openStore(cmd)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, done()) }()
		return body(cmd, s, args)
	}
}

func (a *app) openStore(cmd *cobra.Command) (s store.Store, done func() error, err error) {
	if a.config.Store != nil {
		return a.config.Store, func() error { return nil }, nil
	}
	address, err := a.storeURL()
	if err != nil {
		return nil, nil, err
	}
	s, err = open.Store(cmd.Context(), address, open.Logger(a.logger(cmd)))
	if err != nil {
		return nil, nil, err
	}
	return s, func() error { return store.Close(s) }, nil
}

// storeURL is what the command line, the environment or the application names, else the default
// file, whose folder it makes.
func (a *app) storeURL() (string, error) {
	if given := cmp.Or(a.url, os.Getenv(EnvStore), a.config.URL); given != "" {
		return given, nil
	}
	path, err := defaultFile()
	if err != nil {
		return "", usagef("%w: name a store with --store or %s", err, EnvStore)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the default store: %w: name another store with --store or %s", err, EnvStore)
	}
	return "sqlite://" + (&url.URL{Path: path}).EscapedPath(), nil
}

// defaultStore says for the help where the default is.
func (a *app) defaultStore() string {
	if a.config.URL != "" {
		return "the application's"
	}
	return "a SQLite file in the user's data directory"
}

// defaultFile is in the directory for a user's data: as freedesktop.org's base directory
// specification has it, or what the system has in its place.
func defaultFile() (string, error) {
	dir := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the user's data directory: %w", err)
		}
		dir = filepath.Join(home, ".local", "share")
		if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
			if dir, err = os.UserConfigDir(); err != nil {
				return "", fmt.Errorf("find the user's data directory: %w", err)
			}
		}
	}
	return filepath.Join(dir, "firefly", "firefly.db"), nil
}

// logger writes to the command's error stream.
func (a *app) logger(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
}

// need returns s as the capability T, which name names.
func need[T any](s store.Store, name string) (T, error) {
	t, ok := store.As[T](s)
	if !ok {
		return t, store.Unsupported(s, name)
	}
	return t, nil
}

// bounded is for a call to the store that is not to be waited for forever, but is to end as it will
// when a signal comes.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
}
