package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func inviteCommand() *cobra.Command {
	var c client
	var ttl time.Duration
	var form string
	cmd := &cobra.Command{
		Use:   "invite GATEWAY",
		Short: "Print a token with which a gateway enrols, once",
		Example: `  penstock-cloud invite plant7
  penstock-cloud invite plant7 --ttl 24h
  on the gateway: penstock enroll https://iot.example.com:8443 --token TOKEN`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var made struct {
				Gateway string    `json:"gateway"`
				Token   string    `json:"token"`
				Expires time.Time `json:"expires"`
			}
			body := map[string]string{"gateway": args[0], "ttl": ttl.String()}
			if err := c.post(cmd.Context(), "/api/v1/invitations", body, &made); err != nil {
				return err
			}
			if form == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(made)
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), made.Token)
			return err
		},
	}
	cmd.Flags().DurationVar(&ttl, "ttl", time.Hour, "how long the token is good, at most 720h")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	return cmd
}
