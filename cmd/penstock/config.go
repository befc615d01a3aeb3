package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/configs"
	"github.com/penstock-edge/penstock/gateway/config"
)

// configFlag adds -c.
func configFlag(cmd *cobra.Command) *string {
	return cmd.Flags().StringP("config", "c", defaultConfig, "configuration `file`")
}

// loader knows every protocol and the templates that come with the program. What can take a process down is opened in one of its own.
func loader() config.Loader {
	return config.Loader{Kinds: all.Apart(all.Kinds()), Templates: configs.Templates}
}

// load reads a configuration; its mistakes and warnings go to stderr, each with its place.
func load(path string, stderr io.Writer) (*config.Config, error) {
	cfg, report := loader().Load(path)
	if report.Errors() > 0 {
		fmt.Fprint(stderr, report)
		return nil, errors.New(count(report.Errors(), "mistake") + " in " + path + "; nothing was started")
	}
	if report.Warnings() > 0 {
		fmt.Fprint(stderr, report)
	}
	return cfg, nil
}

// loadQuietly is load for commands that are run again and again: its warnings were told when the gateway started.
func loadQuietly(path string, stderr io.Writer) (*config.Config, error) {
	cfg, report := loader().Load(path)
	if report.Errors() > 0 {
		fmt.Fprint(stderr, report)
		return nil, errors.New(count(report.Errors(), "mistake") + " in " + path)
	}
	return cfg, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
