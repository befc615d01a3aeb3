package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

func queryCommand() *cobra.Command {
	var c client
	var from, to, form string
	var last int
	cmd := &cobra.Command{
		Use:   "query GATEWAY DEVICE.POINT",
		Short: "Print the samples of a point (or of a field of another thing)",
		Example: `  penstock-cloud query plant7 press.oil_temp --last 10
  penstock-cloud query plant7 press.oil_temp --from 2026-03-01T08:00:00Z --to 2026-03-01T09:00:00Z -o csv
  penstock-cloud query thermo1 temperature -o json`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := bufio.NewWriter(cmd.OutOrStdout())
			q := url.Values{}
			for key, value := range map[string]string{"from": from, "to": to} {
				if value != "" {
					q.Set(key, value)
				}
			}
			if last > 0 {
				q.Set("last", strconv.Itoa(last))
			}
			if err := query(cmd.Context(), &c, args[0], args[1], q, printer(form, out)); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "the first time, RFC 3339 or milliseconds since 1970")
	cmd.Flags().StringVar(&to, "to", "", "the time to stop before")
	cmd.Flags().IntVar(&last, "last", 0, "only the last so many, at most 100000")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json", "csv")
	return cmd
}

// sample is a sample as the API writes it; its value stays as it came.
type sample struct {
	Time    string          `json:"time"`
	Value   json.RawMessage `json:"value"`
	Quality string          `json:"quality"`
}

// query asks page after page until there is no more.
func query(ctx context.Context, c *client, thing, point string, q url.Values, print func(sample) error) error {
	path := "/api/v1/gateways/" + url.PathEscape(thing) + "/points/" + url.PathEscape(point) + "/samples"
	for {
		var page struct {
			Samples []sample `json:"samples"`
			Next    string   `json:"next"`
		}
		if err := c.get(ctx, path, q, &page); err != nil {
			return err
		}
		for _, s := range page.Samples {
			if err := print(s); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		q.Set("from", page.Next)
	}
}

// printer writes samples in one of the forms.
func printer(form string, out io.Writer) func(sample) error {
	switch form {
	case "json":
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return func(s sample) error { return enc.Encode(s) }
	case "csv":
		table, head := csv.NewWriter(out), []string{"time", "value", "quality"}
		return func(s sample) error {
			if head != nil {
				_ = table.Write(head) // Error says so below
				head = nil
			}
			_ = table.Write([]string{s.Time, plain(s.Value), s.Quality})
			table.Flush()
			return table.Error()
		}
	}
	return func(s sample) error {
		_, err := fmt.Fprintf(out, "%-30s  %-24s  %s\n", s.Time, plain(s.Value), s.Quality)
		return err
	}
}

// plain is a value as a person reads it: text without its quotes, nothing for null.
func plain(value json.RawMessage) string {
	var text *string
	if json.Unmarshal(value, &text) != nil {
		return string(value)
	}
	if text == nil {
		return ""
	}
	return *text
}
