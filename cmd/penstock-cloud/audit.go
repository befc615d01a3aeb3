package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/sync/audit"
)

func auditCommand() *cobra.Command {
	var c client
	var form string
	var last int
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who asked for what, and what came of it",
		Example: `  penstock-cloud audit --last 20
  penstock-cloud audit -o json
  penstock-cloud audit verify`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			lines, err := auditTail(cmd.Context(), &c, last)
			if err != nil {
				return err
			}
			if form == "json" { // as they are in the log
				return printLines(cmd.OutOrStdout(), lines)
			}
			return printAudit(cmd.OutOrStdout(), lines)
		},
	}
	cmd.Flags().IntVar(&last, "last", 100, "how many lines")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	cmd.AddCommand(auditExportCommand(), auditVerifyCommand())
	return cmd
}

// auditTail gives the last lines, the oldest first.
func auditTail(ctx context.Context, c *client, last int) ([]json.RawMessage, error) {
	var newest []json.RawMessage
	for q := (url.Values{}); len(newest) < last; {
		var page struct {
			Lines []json.RawMessage `json:"lines"`
			Next  uint64            `json:"next"`
		}
		q.Set("max", strconv.Itoa(min(last-len(newest), 1000)))
		if err := c.get(ctx, "/api/v1/audit", q, &page); err != nil {
			return nil, err
		}
		newest = append(newest, page.Lines...)
		if page.Next == 0 {
			break
		}
		q.Set("before", strconv.FormatUint(page.Next, 10))
	}
	oldest := make([]json.RawMessage, len(newest))
	for i, line := range newest {
		oldest[len(newest)-1-i] = line
	}
	return oldest, nil
}

func printAudit(out io.Writer, lines []json.RawMessage) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LINE\tTIME\tWHO\tACTION\tOBJECT\tOUTCOME\tWHY")
	for _, line := range lines {
		r, err := audit.Parse(line)
		if err != nil {
			fmt.Fprintf(w, "?\t\t\t\t%.60s\t\t%v\n", line, err)
			continue
		}
		object := r.Object
		if value, ok := r.Details["value"]; ok {
			object += " = " + value
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Seq, r.Time.Local().Format("2006-01-02 15:04:05.000"), r.Who, r.Action, object, r.Outcome, r.Reason)
	}
	return w.Flush()
}

func auditExportCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Print the whole audit log, to be kept where nobody of the cloud can change it",
		Example: "  penstock-cloud audit export > audit-2026-11.ndjson",
		Args:    usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.stream(cmd.Context(), "/api/v1/audit/export", cmd.OutOrStdout())
		},
	}
	clientCommand(cmd, &c)
	return cmd
}

func auditVerifyCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Check that no line of the audit log was changed, taken out or moved",
		Long: "verify checks the server's log or, without a server, a file that audit export wrote (- is stdin). It exits 1 when something does not fit, and says in which line. " +
			"That lines were cut off at the end shows only beside an older export: compare how many there are.",
		Example: `  penstock-cloud audit verify
  penstock-cloud audit verify audit-2026-11.ndjson`,
		Args: usage(cobra.MaximumNArgs(1)),
	}
	clientCommand(cmd, &c)
	dial := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil // a file needs no server
		}
		return dial(cmd, args)
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		var lines uint64
		if len(args) > 0 {
			lines, err = verifyFile(args[0], cmd.InOrStdin())
		} else {
			lines, err = verifyServer(cmd.Context(), &c)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d lines, as they were written\n", lines)
		return err
	}
	return cmd
}

func verifyServer(ctx context.Context, c *client) (lines uint64, err error) {
	var v struct {
		Lines  uint64
		OK     bool
		Broken string
	}
	if err := c.get(ctx, "/api/v1/audit/verify", nil, &v); err != nil {
		return 0, err
	}
	if !v.OK {
		return v.Lines, fmt.Errorf("%s; the %d lines before it are as they were written", v.Broken, v.Lines)
	}
	return v.Lines, nil
}

func verifyFile(name string, stdin io.Reader) (lines uint64, err error) {
	from := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return 0, err
		}
		defer f.Close()
		from = f
	}
	var head audit.Head
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, audit.MaxLine+2)
	for scanner.Scan() {
		if err := head.Verify(scanner.Bytes()); err != nil {
			return head.Seq, fmt.Errorf("%s: %w; the %d lines before it are as they were written", name, err, head.Seq)
		}
	}
	if err := scanner.Err(); err != nil {
		return head.Seq, fmt.Errorf("%s: read line %d: %w", name, head.Seq+1, err)
	}
	return head.Seq, nil
}
