package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

func writeCommand() *cobra.Command {
	var c client
	var form string
	var ttl, wait time.Duration
	var text bool
	cmd := &cobra.Command{
		Use:   "write GATEWAY DEVICE.POINT VALUE",
		Short: "Ask a gateway to write a value, once, and say what came of it",
		Long: "write exits 0 when the value was written and read back, or when the gateway has not answered yet: it is asked until the time of --ttl is over. " +
			"It exits 1 when the gateway refused, or when it is not certain that the point has the value.",
		Example: `  penstock-cloud write plant7 press.setpoint 42.5
  penstock-cloud write plant7 press.start true --ttl 10s
  penstock-cloud write plant7 press.offset -- -5
  penstock-cloud write plant7 press.recipe 0815 --text --wait 0s --ttl 24h`,
		Args: usage(cobra.ExactArgs(3)),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/api/v1/gateways/" + url.PathEscape(args[0]) + "/points/" + url.PathEscape(args[1]) + "/write?" + url.Values{"wait": {wait.String()}}.Encode()
			var done cloud.Command
			if err := c.post(cmd.Context(), path, map[string]any{"value": typed(args[2], text), "ttl": ttl.String()}, &done); err != nil {
				return err
			}
			var err error
			if form == "json" {
				err = printLines(cmd.OutOrStdout(), []cloud.Command{done})
			} else {
				err = printCommand(cmd.OutOrStdout(), done)
			}
			return errors.Join(err, refusal(done))
		},
	}
	cmd.Flags().DurationVar(&ttl, "ttl", time.Minute, "how long it may take until the value is written, at most 168h")
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Second, "how long to wait for the answer, at most 45s")
	cmd.Flags().BoolVar(&text, "text", false, "VALUE is a text, though it looks like a number")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; a value below zero stands behind two dashes: write plant7 press.offset -- -5; see %s --help", err, cmd.CommandPath())}
	})
	return cmd
}

// typed is a value as somebody typed it: a number or a boolean where it looks like one, else a text.
func typed(value string, text bool) any {
	var number json.Number
	switch {
	case text:
		return value
	case value == "true", value == "false":
		return value == "true"
	case json.Unmarshal([]byte(value), &number) == nil && number != "" && value[0] != '"': // null leaves it empty
		return number
	}
	return value
}

func printCommand(out io.Writer, c cloud.Command) (err error) {
	switch {
	case c.Status == wire.CommandSucceeded:
		_, err = fmt.Fprintf(out, "%s of %s is %s\n", c.Point, c.Gateway, plain(c.Result["value"]))
	case !c.Status.Final():
		_, err = fmt.Fprintf(out, "%s has not answered yet and is asked until %s: %s\n", c.Gateway, here(c.Expires), c.Execution)
	}
	return err
}

// refusal is why a command that is over did not succeed.
func refusal(c cloud.Command) error {
	if !c.Status.Final() || c.Status == wire.CommandSucceeded {
		return nil
	}
	why := ""
	if c.Reason != nil {
		why = ": " + c.Reason.Description
	}
	what := map[wire.CommandStatus]string{
		wire.CommandRejected: "refused to write, and nothing was written", wire.CommandTimedOut: "did not answer in time", wire.CommandFailed: "tried to write, and it is not certain that the point has the value",
	}[c.Status]
	return fmt.Errorf("%s %s%s", c.Gateway, what, why)
}
