package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/rule"
)

func testCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "test [FILE...]", Short: "Run the tests of rules, or try one statement on one message",
		Long: "test runs scripts in the rule test language: what comes when, and what must come of it. FILE is a script or a folder with *.rules;\n" +
			"without one it is those in the folder of the configuration. `eval rule NAME` in site.rules means a rule of site.yaml\n" +
			"beside it where there is one, else of the configuration (-c).\n" +
			"It exits 0 when all is as it must be, 1 when something is not.\n\n" +
			"With --sql it tries one statement on one message instead, and prints the payload that goes out, or nothing when the\n" +
			"statement does not fire. A statement that can't be read is shown with a caret below the mistake, and the exit code is 1.",
		Example: "  penstock test -c gateway.yaml\n  penstock test press.rules\n" +
			"  penstock test --sql \"SELECT temp AS t FROM 'plant/+' WHERE temp > 80\" --topic plant/press --payload message.json\n" +
			"  echo '{\"temp\": 85}' | penstock test --sql \"SELECT temp FROM 'plant/+'\" --payload -",
		Args: cobra.ArbitraryArgs,
	}
	path := configFlag(cmd)
	statement := cmd.Flags().String("sql", "", "try this `statement` on one message")
	topic := cmd.Flags().String("topic", "", "with --sql: the message's topic; default one that FROM takes")
	payload := cmd.Flags().String("payload", "", "with --sql: the `file` of the message's payload, - for standard input; default an empty one")
	out := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		single := cmd.Flags().Changed("sql")
		switch {
		case single && len(args) > 0:
			return usageError{errors.New("--sql tries one statement; take the files out")}
		case !single && (*topic != "" || *payload != ""):
			return usageError{errors.New("--topic and --payload belong to --sql")}
		case single:
			return trySQL(cmd, *statement, attempt{*topic, *payload, out.json})
		}
		return runScripts(cmd, args, *path, out.json)
	}
	return cmd
}

// tested is what a run of scripts came to.
type tested struct {
	Scripts  int            `json:"scripts"`
	Evals    int            `json:"evals"`
	Failures []rule.Failure `json:"failures"`
}

func runScripts(cmd *cobra.Command, args []string, path string, json bool) error {
	files, err := scripts(args, path)
	if err != nil {
		return err
	}
	sites := map[string]*config.Config{}
	result := tested{Failures: []rule.Failure{}}
	for _, file := range files {
		script, err := readScript(cmd, file, path, sites)
		if err != nil {
			return err
		}
		result.Scripts++
		result.Evals += script.Evals()
		result.Failures = append(result.Failures, script.Run()...)
		if script.Evals() == 0 {
			result.Failures = append(result.Failures, rule.Failure{File: file, Line: 1, Text: "it tests nothing: there is no eval in it"})
		}
	}
	if err := printTested(cmd.OutOrStdout(), result, json); err != nil {
		return err
	}
	if len(result.Failures) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// scripts lists the files that are to be run.
func scripts(args []string, path string) (files []string, err error) {
	if len(args) == 0 {
		args = []string{filepath.Dir(path)}
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("find the tests: %w", err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		found, err := filepath.Glob(filepath.Join(strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, `\`, `\\`).Replace(arg), "*.rules"))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("there is no file *.rules in %s; name the scripts, or write one (see sync/rule in the documentation)", arg)
		}
		files = append(files, found...)
	}
	return files, nil
}

// readScript reads a script, and the configuration it speaks of if it speaks of one.
func readScript(cmd *cobra.Command, file, path string, sites map[string]*config.Config) (*rule.Script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the tests: %w", err)
	}
	if !strings.Contains(string(text), "eval rule ") {
		return (*config.Config)(nil).Script(file, string(text))
	}
	site := strings.TrimSuffix(file, filepath.Ext(file)) + ".yaml"
	if _, err := os.Stat(site); err != nil {
		site = path
	}
	if sites[site] == nil {
		if sites[site], err = loadQuietly(site, cmd.ErrOrStderr()); err != nil {
			return nil, fmt.Errorf("%s is about the rules of %s: %w", file, site, err)
		}
	}
	script, err := sites[site].Script(file, string(text))
	if err != nil {
		return nil, fmt.Errorf("%w (with the rules of %s)", err, site)
	}
	return script, nil
}

func printTested(w io.Writer, result tested, json bool) error {
	if json {
		return printJSON(w, result)
	}
	for _, f := range result.Failures {
		fmt.Fprintln(w, f)
	}
	verdict := "good"
	if n := len(result.Failures); n > 0 {
		verdict = fmt.Sprintf("%d failed", n)
	}
	_, err := fmt.Fprintf(w, "%s: %s, %s\n", verdict, count(result.Scripts, "script"), count(result.Evals, "eval"))
	return err
}
