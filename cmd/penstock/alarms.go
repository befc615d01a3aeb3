package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway/status"
)

func alarmsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "alarms", Short: "Show the alarms of the running gateway, acknowledge and shelve them", Args: exactly(0),
		Long:    "alarms lists what is not normal; --all lists every alarm. It exits 1 when an alarm waits to be acknowledged, so that monitoring can use it.",
		Example: "  penstock alarms\n  penstock alarms ack oil_hot --comment 'filling up'\n  penstock alarms shelve oil_hot --for 2h",
	}
	path := cmd.PersistentFlags().StringP("config", "c", defaultConfig, "configuration `file`")
	all := cmd.Flags().Bool("all", false, "also those that are normal")
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		alarms, err := fetchAlarms(cmd, *path)
		if err != nil {
			return err
		}
		if !*all {
			alarms = notNormal(alarms)
		}
		if out.json {
			err = printJSON(cmd.OutOrStdout(), alarms)
		} else {
			err = printAlarms(cmd.OutOrStdout(), alarms)
		}
		for _, a := range alarms {
			if a.Waits() && err == nil {
				return exitCode(exitError)
			}
		}
		return err
	}
	cmd.AddCommand(
		operation(path, "ack", "acknowledge", "Say that somebody knows of an alarm"),
		operation(path, "shelve", "shelve", "Hide an alarm for a while"),
		operation(path, "unshelve", "unshelve", "End shelving before its time"),
		operation(path, "out-of-service", "out-of-service", "Hide an alarm for maintenance, until in-service"),
		operation(path, "in-service", "in-service", "Take an alarm back into service"),
	)
	return cmd
}

func fetchAlarms(cmd *cobra.Command, path string) (alarms []status.Alarm, err error) {
	cfg, err := loadQuietly(path, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	return alarms, dial(cfg.State).get(cmd.Context(), "/api/v1/alarms", &alarms)
}

func notNormal(alarms []status.Alarm) []status.Alarm {
	kept := []status.Alarm{}
	for _, a := range alarms {
		if a.State != "normal" {
			kept = append(kept, a)
		}
	}
	return kept
}

func printAlarms(to io.Writer, alarms []status.Alarm) error {
	if len(alarms) == 0 {
		_, err := fmt.Fprintln(to, "All is normal.")
		return err
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ALARM\tSEVERITY\tSTATE\tSINCE\tTEXT")
	for _, a := range alarms {
		since, state := "", a.State
		if a.Since != nil {
			since = a.Since.Local().Format("2006-01-02 15:04:05")
		}
		if a.Acknowledged != "" {
			state += " by " + a.Acknowledged
		}
		if a.Until != nil {
			state += " until " + a.Until.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, a.Severity, state, since, a.Text)
	}
	return w.Flush()
}

// operation is a subcommand that does one thing with one alarm.
func operation(path *string, name, do, short string) *cobra.Command {
	cmd := &cobra.Command{Use: name + " ALARM", Short: short, Args: exactly(1), Example: "  penstock alarms " + name + " oil_hot"}
	o := status.Operation{Do: do}
	cmd.Flags().StringVar(&o.Who, "who", "", "who does it; default you")
	cmd.Flags().StringVar(&o.Comment, "comment", "", "why")
	var length time.Duration
	if do == "shelve" {
		cmd.Flags().DurationVar(&length, "for", time.Hour, "how long")
		cmd.Example += " --for 30m"
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Alarm, o.Until = args[0], time.Now().Add(length)
		if o.Who == "" {
			o.Who = whoami()
		}
		return operate(cmd, *path, o)
	}
	return cmd
}

func operate(cmd *cobra.Command, path string, o status.Operation) error {
	cfg, err := loadQuietly(path, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	alarms, err := dial(cfg.State).operate(cmd.Context(), o)
	if err != nil {
		return err
	}
	for _, a := range alarms {
		if a.Name == o.Alarm {
			return printAlarms(cmd.OutOrStdout(), []status.Alarm{a})
		}
	}
	return nil
}

func (d *running) operate(ctx context.Context, o status.Operation) (alarms []status.Alarm, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return alarms, d.call(ctx, http.MethodPost, "/api/v1/alarms/"+url.PathEscape(o.Alarm)+"/"+o.Do, body, &alarms)
}

// whoami is the person at the keyboard, also behind sudo.
func whoami() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME"} {
		if who := os.Getenv(name); who != "" {
			return who
		}
	}
	return "local"
}
