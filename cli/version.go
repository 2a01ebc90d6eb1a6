package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

const (
	modulePath     = "github.com/fireflytasks/go-firefly"
	unknownVersion = "unknown"
)

// version is the program's own.
func version(cfg Config) string {
	if cfg.Version != "" {
		return cfg.Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return unknownVersion
}

// libraryVersion is Firefly's, which an application's own binary has as a dependency.
func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return unknownVersion
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == modulePath && m.Version != "" {
			return m.Version
		}
	}
	return unknownVersion
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of the program, of Firefly and of Go",
		Example: `  firefly version
  firefly version -o json | jq -r .firefly`,
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := struct {
				Version string `json:"version"`
				Firefly string `json:"firefly"`
				Go      string `json:"go"`
			}{version(a.config), libraryVersion(), runtime.Version()}
			if a.format == formatJSON {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s, firefly %s, %s\n", cmd.Root().Name(), v.Version, v.Firefly, v.Go)
			return err
		},
	}
}
