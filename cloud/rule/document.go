package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	sql "github.com/penstock-edge/penstock/sync/rule"
)

// Bounds of a rule.
const (
	maxDocument    = 256 << 10 // bytes of JSON
	maxActions     = 10        // as in AWS IoT
	maxName        = 128
	maxDescription = 2000
	sqlVersion     = "2016-03-23"
)

// document is a rule as AWS IoT writes it (TopicRulePayload).
type document struct {
	SQL         string            `json:"sql"`
	Description string            `json:"description"`
	Actions     []json.RawMessage `json:"actions"`
	Disabled    bool              `json:"ruleDisabled"`
	Version     string            `json:"awsIotSqlVersion"`
	ErrorAction json.RawMessage   `json:"errorAction,omitempty"`
}

// parseDocument reads a document and checks all of it that needs no surroundings.
func parseDocument(data []byte) (*document, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("the rule has more than %d bytes: select and do less in one rule", maxDocument)
	}
	d := &document{Version: sqlVersion}
	if err := decode(data, d); err != nil {
		return nil, fmt.Errorf(`a rule is JSON, {"sql": "...", "actions": [...]}: %w`, err)
	}
	if string(d.ErrorAction) == "null" {
		d.ErrorAction = nil
	}
	switch {
	case d.SQL == "":
		return nil, errors.New("sql: a rule without a statement sees nothing")
	case d.Version != sqlVersion && d.Version != "beta":
		return nil, fmt.Errorf("awsIotSqlVersion: %q is not spoken here: %s is", d.Version, sqlVersion)
	case len(d.Actions) > maxActions:
		return nil, fmt.Errorf("actions: %d, at most %d are done: make two rules", len(d.Actions), maxActions)
	case len(d.Actions) == 0:
		return nil, errors.New("actions: give one at least")
	case len(d.Description) > maxDescription:
		return nil, fmt.Errorf("description: at most %d bytes", maxDescription)
	}
	return d, nil
}

// decode reads one JSON value without keys that nobody knows.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows behind the value")
	}
	return nil
}

var names = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

func validName(name string) error {
	if !names.MatchString(name) || len(name) > maxName || name == "test" {
		return fmt.Errorf("%.64q is no name for a rule: 1 to %d of A-Z a-z 0-9 _, and not test", name, maxName)
	}
	return nil
}

// compiled is a document ready to be used by one goroutine.
type compiled struct {
	statement   *sql.Statement
	actions     []action
	errorAction action // nil: none
	windows     bool   // its rows are of many messages
	remembers   bool   // it has a state that must be kept
}

// compile makes a document ready. An error about SQL is a *sql.SyntaxError.
func (k *kinds) compile(d *document) (c *compiled, err error) {
	c = &compiled{}
	if c.statement, err = sql.Parse(d.SQL); err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	c.windows = calls(d.SQL, windowCall)
	c.remembers = c.windows || calls(d.SQL, memoryCall)
	for i, text := range d.Actions {
		a, err := k.action(text, sql.Options{Functions: k.o.Functions, Account: k.o.Account})
		if err != nil {
			return nil, fmt.Errorf("actions[%d]: %w", i, err)
		}
		c.actions = append(c.actions, a)
	}
	if d.ErrorAction != nil { // what failed may be what its functions would ask
		if c.errorAction, err = k.action(d.ErrorAction, sql.Options{Account: k.o.Account}); err != nil {
			return nil, fmt.Errorf("errorAction: %w", err)
		}
		if c.errorAction.kind() == kindStore {
			return nil, errors.New("errorAction: a failure has no values that could be stored: republish it, or raise an alarm")
		}
	}
	return c, nil
}

var (
	windowCall = regexp.MustCompile(`(?i)\b(tumbling|hopping|sliding|session|count)window\s*\(`)
	memoryCall = regexp.MustCompile(`(?i)\b(lag|changed)\s*\(`)
	literals   = regexp.MustCompile(`'[^']*'|"[^"]*"`)
)

// calls reports whether a statement calls one of the functions.
func calls(statement string, functions *regexp.Regexp) bool {
	return functions.MatchString(literals.ReplaceAllString(statement, "''"))
}

// action reads {"kind": {...}}.
func (k *kinds) action(text json.RawMessage, o sql.Options) (action, error) {
	var one map[string]json.RawMessage
	if err := decode(text, &one); err != nil || len(one) != 1 {
		return nil, errors.New(`an action is an object with one key, as {"republish": {"topic": "..."}}`)
	}
	for kind, settings := range one {
		a, err := k.make(kind, settings, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		return a, nil
	}
	panic("BUG: an object with one key has none")
}

func (k *kinds) make(kind string, settings json.RawMessage, o sql.Options) (action, error) {
	m := &maker{o: o, settings: settings}
	switch kind {
	case kindRepublish:
		return newRepublish(m)
	case kindWebhook:
		return k.newWebhook(m)
	case kindStore:
		return newStoring(m)
	case kindAlarm:
		return k.newRaising(m)
	case kindNATS:
		return k.newStreaming(m)
	}
	return nil, fmt.Errorf("there is no such action here, only %s", strings.Join([]string{kindRepublish, kindWebhook, kindStore, kindAlarm, kindNATS}, ", "))
}

// maker reads an action's settings; the first error stays.
type maker struct {
	o        sql.Options
	settings json.RawMessage
	err      error
}

func (m *maker) read(into any) { m.err = decode(m.settings, into) }

// text reads a setting that may hold ${expressions}.
func (m *maker) text(key, source string) text {
	if m.err != nil || !strings.Contains(source, "${") {
		return text{constant: source}
	}
	t, err := sql.ParseTemplate(source, m.o)
	if err != nil {
		m.err = fmt.Errorf("%s: %w", key, err)
	}
	return text{constant: source, template: t}
}

// needs demands a setting.
func (m *maker) needs(key, source string) {
	if m.err == nil && source == "" {
		m.err = fmt.Errorf("%s is missing", key)
	}
}

// headers reads AWS IoT's [{"key": "...", "value": "..."}].
func (m *maker) headers(key string, list []header) (made []textHeader) {
	if m.err == nil && len(list) > maxHeaders {
		m.err = fmt.Errorf("%s: %d, at most %d", key, len(list), maxHeaders)
	}
	for _, h := range list {
		m.needs(key+".key", h.Key)
		made = append(made, textHeader{h.Key, m.text(key+"."+h.Key, h.Value)})
	}
	return made
}

const maxHeaders = 100

type header struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// enabled is a document with ruleDisabled set; all else stays as it was written.
func enabled(data []byte, on bool) ([]byte, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, fmt.Errorf("read the rule: %w", err)
	}
	keys["ruleDisabled"] = json.RawMessage("true")
	if on {
		keys["ruleDisabled"] = json.RawMessage("false")
	}
	return json.Marshal(keys)
}
