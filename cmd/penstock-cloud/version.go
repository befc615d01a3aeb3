package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  penstock-cloud version -o json",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			if form == "json" {
				return json.NewEncoder(out).Encode(map[string]string{"version": version, "go": runtime.Version(), "arch": runtime.GOARCH})
			}
			_, err := fmt.Fprintf(out, "penstock-cloud %s (%s, %s)\n", version, runtime.Version(), runtime.GOARCH)
			return err
		},
	}
	output(cmd, &form, "text", "json")
	return cmd
}
