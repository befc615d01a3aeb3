package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// manCommand writes the manual that the packages carry: from the same tree that answers --help, so they can't disagree.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a folder", Args: exactly(1), Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("make the folder of the manual: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // it has a date, and the same source should give the same bytes
			header := &doc.GenManHeader{Section: "1", Source: "Penstock", Manual: "Penstock Manual"}
			return doc.GenManTree(root, header, args[0])
		},
	}
}
