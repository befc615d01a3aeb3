package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/sync/rule"
)

// attempt is one message for one statement.
type attempt struct {
	topic, payload string
	json           bool
}

// maxPayload is as much as a rule reads of a message.
const maxPayload = 1 << 20

// trySQL prints what a statement makes of a message. A window is closed after it.
func trySQL(cmd *cobra.Command, source string, a attempt) error {
	statement, err := rule.Parse(source)
	if err != nil {
		return caret(source, err)
	}
	payload, err := readPayload(cmd.InOrStdin(), a.payload)
	if err != nil {
		return err
	}
	if a.topic == "" {
		a.topic = strings.NewReplacer("+", "test", "#", "test").Replace(statement.From())
	}
	if a.topic == "" {
		a.topic = "$aws/rules/test"
	}
	r := rule.New(statement, rule.Options{})
	var wrong error
	emit := func(row rule.Row) { wrong = errors.Join(wrong, printRow(cmd.OutOrStdout(), row, a.json)) }
	if err := r.Eval(time.Now(), rule.Message{Topic: a.topic, Payload: payload}, emit); err != nil {
		return fmt.Errorf("the statement on this message: %w", err)
	}
	for next, ok := r.Next(); ok && wrong == nil; next, ok = r.Next() {
		if err := r.Tick(next, emit); err != nil {
			return fmt.Errorf("the statement's window: %w", err)
		}
	}
	return wrong
}

func readPayload(stdin io.Reader, file string) ([]byte, error) {
	from := stdin
	switch file {
	case "":
		return nil, nil
	case "-":
	default:
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("read the payload: %w", err)
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	payload, err := io.ReadAll(io.LimitReader(from, maxPayload+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the payload: %w", err)
	case len(payload) > maxPayload:
		return nil, fmt.Errorf("the payload is larger than %d bytes, which is what rules read", maxPayload)
	}
	return payload, nil
}

// printRow prints a payload on a line. As JSON, one that is none becomes a text.
func printRow(w io.Writer, row rule.Row, asJSON bool) error {
	payload, err := row.Payload()
	if err != nil || len(payload) == 0 {
		return err
	}
	if asJSON && !json.Valid(payload) {
		return printJSON(w, string(payload))
	}
	_, err = fmt.Fprintf(w, "%s\n", strings.TrimSuffix(string(payload), "\n"))
	return err
}

// caret shows the line of a statement with a mistake, and a ^ below it.
func caret(source string, err error) error {
	wrong := (*rule.SyntaxError)(nil)
	lines := strings.Split(source, "\n")
	if !errors.As(err, &wrong) || wrong.Line > len(lines) {
		return fmt.Errorf("the statement can't be read: %w", err)
	}
	line := []rune(strings.ReplaceAll(lines[wrong.Line-1], "\t", " "))
	const most = 110
	start := 0
	if len(line) > most {
		start = max(0, min(wrong.Column-most*2/3, len(line)-most))
		line = line[start : start+most]
	}
	return fmt.Errorf("line %d, column %d of the statement: %s\n  %s\n  %s^", wrong.Line, wrong.Column, wrong.Message, string(line), strings.Repeat(" ", max(wrong.Column-1-start, 0)))
}
