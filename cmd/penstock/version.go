package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version", Args: exactly(0), Example: "  penstock version -o json"}
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if out.json {
			return printJSON(cmd.OutOrStdout(), map[string]string{"version": version, "go": runtime.Version(), "arch": runtime.GOARCH})
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "penstock %s (%s, %s)\n", version, runtime.Version(), runtime.GOARCH)
		return err
	}
	return cmd
}
