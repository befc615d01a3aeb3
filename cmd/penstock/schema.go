package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/gateway/config"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Long: "schema prints the JSON Schema of gateway.yaml. The packages have it as /usr/share/penstock/schema/gateway.schema.json; an editor\n" +
			"that knows YAML completes keys by it when the file's first line is\n\n" +
			"  # yaml-language-server: $schema=/usr/share/penstock/schema/gateway.schema.json",
		Example: "  penstock schema >gateway.schema.json",
		Args:    exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := config.Loader{Kinds: all.Kinds()}.Schema()
			if err != nil {
				return fmt.Errorf("make the schema: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
			return err
		},
	}
}
