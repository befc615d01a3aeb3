package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// output is the -o flag: text for people, json for programs.
type output struct{ json bool }

func (o *output) String() string {
	if o.json {
		return "json"
	}
	return "text"
}

// Set reads the flag.
func (o *output) Set(s string) error {
	switch s {
	case "json", "text":
		o.json = s == "json"
		return nil
	}
	return fmt.Errorf("want text or json, not %q", s)
}

// Type names the value in the help.
func (o *output) Type() string { return "text|json" }

func outputFlag(cmd *cobra.Command) *output {
	o := &output{}
	cmd.Flags().VarP(o, "output", "o", "how to print")
	return o
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
