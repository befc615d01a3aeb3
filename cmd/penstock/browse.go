package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/gateway/config"
)

func browseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "browse CONNECTION", Short: "List the variables of an OPC UA server", Args: exactly(1),
		Long: "browse goes through what the server of a connection has below a node and prints every variable that a point can be made of: its path, node id,\n" +
			"type and value. --yaml prints them as points to paste. --save does what browse: of the devices in the configuration asks for and keeps what is found\n" +
			"for the next start of the gateway, which otherwise does so itself.",
		Example: "  penstock browse line2_plc\n  penstock browse line2_plc --from 'ns=2;s=Boiler1' --match '**/Temperature' --yaml",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	from := cmd.Flags().String("from", "i=85", "`node` to begin below; i=85 is the folder Objects")
	match := cmd.Flags().String("match", "", "only `paths` such as Motors/*/Speed or **/Temperature")
	most := cmd.Flags().Int("max", 10_000, "at most so many variables")
	asYAML := cmd.Flags().Bool("yaml", false, "print points for the configuration")
	save := cmd.Flags().Bool("save", false, "keep what browse: of the configuration finds")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		c, err := opcuaConnection(cfg, args[0])
		if err != nil {
			return err
		}
		log := slog.New(slog.DiscardHandler)
		if *save {
			changed, err := c.Explore(cmd.Context(), devicesOf(cfg, args[0]), log)
			if err == nil {
				err = handOver(cfg.State, c.ListFile())
			}
			if err == nil && changed {
				fmt.Fprintln(cmd.OutOrStdout(), foundOther)
			}
			return err
		}
		found, err := c.Browse(cmd.Context(), opcua.Search{From: *from, Match: *match, Max: *most}, log)
		if err != nil {
			return err
		}
		switch {
		case out.json:
			for _, f := range found {
				if err := printJSON(cmd.OutOrStdout(), f); err != nil {
					return err
				}
			}
			return nil
		case *asYAML:
			return printAsPoints(cmd.OutOrStdout(), args[0], found)
		}
		return printFound(cmd.OutOrStdout(), found)
	}
	return cmd
}

// foundOther is what browse --save says when there is something to be read that was not there before, or the other way round.
const foundOther = "what is there has changed"

func devicesOf(cfg *config.Config, connection string) (devices []adapters.Device) {
	for _, c := range cfg.Connections {
		if c.Name == connection {
			for _, d := range c.Devices {
				devices = append(devices, d.Settings)
			}
		}
	}
	return devices
}

func printFound(to io.Writer, found []opcua.Found) error {
	if len(found) == 0 {
		return errors.New("there is no variable")
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, f := range found {
		kind, access := f.Type, ""
		if f.Length > 0 {
			kind = fmt.Sprintf("%s[%d]", kind, f.Length)
		}
		if f.Writable {
			access = "rw"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.60s\n", f.Path, f.At, kind, access, f.Value)
	}
	return w.Flush()
}

// printAsPoints prints a device that can be pasted. What can be written is left read-only: that is for a person to decide.
func printAsPoints(to io.Writer, connection string, found []opcua.Found) error {
	fmt.Fprintf(to, "devices:\n  - name: %s_points\n    connection: %s\n    points:\n", connection, connection)
	for _, f := range found {
		for i := range max(f.Length, 1) {
			name, index := f.Name, ""
			if f.Length > 0 {
				name, index = fmt.Sprintf("%s_%d", f.Name, i), fmt.Sprintf(", index: %d", i)
			}
			fmt.Fprintf(to, "      %s: {at: %q, sample: %s%s}", name, f.At, time.Second, index)
			if f.Writable {
				fmt.Fprint(to, " # can be written with access: rw")
			}
			fmt.Fprintln(to)
		}
	}
	return nil
}
