package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/cloud/server"
)

func initCommand() *cobra.Command {
	var dir, form string
	var hosts []string
	cmd := &cobra.Command{
		Use:   "init --dir DIR [--host NAME]...",
		Short: "Make a folder for a server: configuration, CA, certificate, admin token",
		Example: `  penstock-cloud init --dir cloud
  penstock-cloud init --dir /etc/penstock-cloud --host iot.example.com --host 10.7.0.5`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				return usageError{fmt.Errorf("say where with --dir DIR")}
			}
			made, err := server.Init(dir, hosts)
			if err != nil {
				return err
			}
			if form == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(made)
			}
			return printInstallation(cmd.OutOrStdout(), made)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the folder, which is made when it isn't there")
	cmd.Flags().StringArrayVar(&hosts, "host", nil, "a DNS name or address that clients call the server by; may be repeated (default localhost and 127.0.0.1)")
	output(cmd, &form, "text", "json")
	return cmd
}

func printInstallation(out io.Writer, made server.Installation) error {
	_, err := fmt.Fprintf(out, `Made %[1]s and a CA of your own, %[2]s
  fingerprint  %[3]s

The admin token is shown this once; keep it like a password:
  %[4]s

Next:
  penstock-cloud run -c %[1]s
  export PENSTOCK_CLOUD_URL=%[5]s PENSTOCK_CLOUD_CA=%[2]s PENSTOCK_CLOUD_TOKEN=%[4]s
  penstock-cloud invite GATEWAY      and on the gateway: penstock enroll %[5]s --token TOKEN
  open %[5]s in a browser and log in with the admin token
`, made.Config, made.CA, made.CAFingerprint, made.AdminToken, made.URL)
	return err
}
