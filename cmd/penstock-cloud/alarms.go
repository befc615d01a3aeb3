package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/cloud"
)

func alarmsCommand() *cobra.Command {
	var c client
	var form string
	var all bool
	cmd := &cobra.Command{
		Use:   "alarms [GATEWAY]",
		Short: "List the alarms of a gateway, or of all",
		Long:  "alarms lists what is neither normal nor hidden, what happened last first; --all lists every alarm there was.",
		Example: `  penstock-cloud alarms
  penstock-cloud alarms plant7 --all -o json`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"state": {"active"}, "max": {"1000"}}
			if all {
				q.Set("state", "all")
			}
			if len(args) > 0 {
				q.Set("gateway", args[0])
			}
			alarms, err := fetchAlarms(cmd.Context(), &c, q)
			if err != nil {
				return err
			}
			if form == "json" {
				return printLines(cmd.OutOrStdout(), alarms)
			}
			return printAlarms(cmd.OutOrStdout(), alarms)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that are normal or hidden")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	return cmd
}

// fetchAlarms asks page after page until there is no more.
func fetchAlarms(ctx context.Context, c *client, q url.Values) (alarms []cloud.Alarm, err error) {
	for {
		var page struct {
			Alarms []cloud.Alarm `json:"alarms"`
			Next   string        `json:"next"`
		}
		if err := c.get(ctx, "/api/v1/alarms", q, &page); err != nil {
			return nil, err
		}
		alarms = append(alarms, page.Alarms...)
		if page.Next == "" {
			return alarms, nil
		}
		q.Set("before", page.Next)
	}
}

// printLines writes a line of JSON for each.
func printLines[T any](out io.Writer, list []T) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, item := range list {
		if err := enc.Encode(item); err != nil {
			return err
		}
	}
	return nil
}

func printAlarms(out io.Writer, alarms []cloud.Alarm) error {
	if len(alarms) == 0 {
		_, err := fmt.Fprintln(out, "no alarms")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "THING\tALARM\tSEVERITY\tSTATE\tSINCE\tTEXT")
	for _, a := range alarms {
		since := ""
		if !a.Since.IsZero() {
			since = here(a.Since)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", a.Thing, a.Name, a.Severity, stateOf(a), since, a.Text)
	}
	return w.Flush()
}

// stateOf is the state in words, with who knows.
func stateOf(a cloud.Alarm) string {
	state := string(a.State)
	switch {
	case a.Pending != nil:
		state += ", acknowledged here by " + a.Pending.Who.Name + ", and " + a.Gateway + " not told yet"
	case a.Acknowledged != nil:
		state += " by " + a.Acknowledged.Who.Name
	}
	if !a.Until.IsZero() {
		state += " until " + here(a.Until)
	}
	return state
}

// here is a time as clocks show it here.
func here(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func ackCommand() *cobra.Command {
	var c client
	var form, comment string
	cmd := &cobra.Command{
		Use:     "ack GATEWAY ALARM",
		Short:   "Say that somebody knows of an alarm, and have the gateway told",
		Example: "  penstock-cloud ack plant7 oil_hot --comment 'filling up'",
		Args:    usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var alarm cloud.Alarm
			path := "/api/v1/alarms/" + url.PathEscape(args[0]) + "/" + url.PathEscape(args[1]) + "/acknowledge"
			if err := c.post(cmd.Context(), path, map[string]string{"comment": comment}, &alarm); err != nil {
				return err
			}
			if form == "json" {
				return printLines(cmd.OutOrStdout(), []cloud.Alarm{alarm})
			}
			return printAlarms(cmd.OutOrStdout(), []cloud.Alarm{alarm})
		},
	}
	cmd.Flags().StringVar(&comment, "comment", "", "why, or what is being done")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	return cmd
}
