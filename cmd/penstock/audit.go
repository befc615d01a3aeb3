package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/sync/audit"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "audit", Short: "Show who asked the gateway for what, and what came of it", Args: exactly(0),
		Example: "  penstock audit --last 20\n  penstock audit -o json\n  penstock audit verify",
	}
	path := cmd.PersistentFlags().StringP("config", "c", defaultConfig, "configuration `file`")
	last := cmd.Flags().Int("last", 100, "how many lines")
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		return dial(cfg.State).audit(cmd.Context(), *last, func(lines io.Reader) error {
			if out.json { // as they are in the log
				_, err := io.Copy(cmd.OutOrStdout(), lines)
				return err
			}
			return printAudit(cmd.OutOrStdout(), lines)
		})
	}
	cmd.AddCommand(auditVerifyCommand(path))
	return cmd
}

func auditVerifyCommand(path *string) *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check that no line of the audit log was changed, taken out or moved", Args: exactly(0), Example: "  penstock audit verify",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			var found struct{ Lines uint64 }
			if err := dial(cfg.State).get(cmd.Context(), "/api/v1/audit/verify", &found); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d lines, as they were written.\n", found.Lines)
			return err
		},
	}
}

// audit reads the last lines of the log.
func (d *running) audit(ctx context.Context, last int, read func(io.Reader) error) error {
	res, err := d.ask(ctx, http.MethodGet, fmt.Sprintf("/api/v1/audit?max=%d", last), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return read(res.Body)
}

func printAudit(to io.Writer, lines io.Reader) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tWHO\tACTION\tOBJECT\tOUTCOME\tWHY")
	scanner := bufio.NewScanner(lines)
	scanner.Buffer(nil, audit.MaxLine+1)
	for scanner.Scan() {
		r, err := audit.Parse(scanner.Bytes())
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Time.Local().Format("2006-01-02 15:04:05.000"), r.Who, r.Action, objectOf(r.Entry), r.Outcome, r.Reason)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	return w.Flush()
}

// objectOf is what something was done to, with the value where there is one.
func objectOf(e audit.Entry) string {
	if v, ok := e.Details["value"]; ok {
		return e.Object + " = " + v
	}
	return e.Object
}
