package web

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// setting is the part of a point's page where it is set.
type setting struct {
	Action  string
	Input   string // number, choice or text
	Value   string // what it reads now, as the field begins
	Choices []choice
	Range   *wire.BirthRange
	Unit    string
	Wanted  string // desired and not reported; empty: nothing
	Away    bool   // the gateway is not connected: what is set waits
	Why     string // why it is not done
	Told    *cloud.Command
	Result  string
}

type choice struct {
	Value, Label string
	On           bool
}

// setting is nil where a person cannot set the point.
func (w *web) setting(ctx context.Context, v *pointView, p wire.BirthPoint, key, told string) (*setting, error) {
	if w.o.Operator == nil || !v.Gateway || p.Access != "rw" || !p.Shadow && !p.Command {
		return nil, nil
	}
	s := &setting{Action: v.Href + "/set", Range: p.Range, Unit: p.Unit, Away: v.State.Class != up.Class, Input: "number", Value: v.value.String()}
	s.choose(v.value, p.Enum)
	if p.Shadow {
		return s, w.wanted(ctx, s, v, key)
	}
	if told != "" {
		c, err := w.o.Store.Command(ctx, told)
		if err == nil && c.Gateway == v.Thing && c.Point == v.Point {
			s.Told, s.Result = &c, outcome(c)
		}
	}
	return s, nil
}

// choose offers the values of an enum or a switch.
func (s *setting) choose(now telemetry.Value, enum map[int64]string) {
	switch {
	case len(enum) > 0:
		for _, n := range slices.Sorted(maps.Keys(enum)) {
			text := strconv.FormatInt(n, 10)
			s.Choices = append(s.Choices, choice{text, enum[n], text == s.Value})
		}
	case now.Kind() == telemetry.KindBool:
		s.Choices = []choice{{"true", "on", s.Value == "true"}, {"false", "off", s.Value == "false"}}
	case now.Kind() == telemetry.KindString:
		s.Input = "text"
	}
	if s.Choices != nil {
		s.Input = "choice"
	}
	if now.IsNone() {
		s.Value = ""
	}
}

// wanted says what the shadow desires that is not reported, and why.
func (w *web) wanted(ctx context.Context, s *setting, v *pointView, key string) error {
	desired, reported, err := w.o.Operator.Shadow(ctx, v.Thing+":"+v.Device)
	if err != nil {
		return err
	}
	want, ok := desired[key]
	if !ok || fmt.Sprint(want) == fmt.Sprint(reported[key]) {
		return nil
	}
	s.Wanted = fmt.Sprint(want)
	own, _ := reported["penstock"].(map[string]any)
	reasons, _ := own["refused"].(map[string]any)
	if reason, ok := reasons[key].(map[string]any); ok {
		s.Why = fmt.Sprint(reason["message"])
	}
	return nil
}

// outcome says what came of a command.
func outcome(c cloud.Command) string {
	switch c.Status {
	case wire.CommandSucceeded:
		return "written and read back"
	case wire.CommandCreated:
		return "not delivered yet"
	case wire.CommandInProgress:
		return "in progress"
	}
	if c.Reason != nil && c.Reason.Description != "" {
		return c.Reason.Description
	}
	return string(c.Status)
}

// Sent is what a command asked for.
func (s *setting) Sent() string {
	var v any
	if s.Told == nil || json.Unmarshal(s.Told.Value, &v) != nil {
		return ""
	}
	return fmt.Sprint(v)
}
