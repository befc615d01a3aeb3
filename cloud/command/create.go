package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/audit"
	"github.com/penstock-edge/penstock/sync/wire"
)

// Bounds of what is asked for.
const (
	MaxTTL   = 7 * 24 * time.Hour
	maxPoint = 512     // bytes of a point's name
	maxValue = 8 << 10 // bytes of a value as JSON
)

// Create asks a gateway for a write, once, whether it is connected now or later: TTL is from 1 s to MaxTTL. cloud.ErrInvalid, cloud.ErrNotFound, and cloud.ErrTooMany
// while MaxOpen commands of the gateway are open.
func (r *Room) Create(ctx context.Context, a cloud.CommandAsk) (cloud.Command, error) {
	if err := check(a); err != nil {
		return cloud.Command{}, err
	}
	t, err := r.o.Store.Thing(ctx, a.Gateway)
	if err != nil {
		return cloud.Command{}, err
	}
	if t.Kind != cloud.KindGateway {
		return cloud.Command{}, fmt.Errorf("a command to %s is %w: it is no gateway; name the gateway it is behind", a.Gateway, cloud.ErrInvalid)
	}
	now := r.now()
	c := cloud.Command{Execution: ulid.Make().String(), Gateway: a.Gateway, Point: a.Point, Value: a.Value, Who: a.Who,
		Issued: now, Expires: now.Add(a.TTL), Status: wire.CommandCreated, Changed: now}
	if err := r.o.Store.CreateCommand(ctx, c, MaxOpen, asked(c, a.From)); err != nil {
		return cloud.Command{}, err
	}
	r.reminder.Later(c.Gateway)
	if err := r.publish(ctx, c); err != nil {
		r.o.Log.Warn("a command is stored, and its gateway asked later", "gateway", c.Gateway, "execution", c.Execution, "err", err)
	}
	r.changed(c)
	return c, nil
}

func check(a cloud.CommandAsk) error {
	device, point, dotted := strings.Cut(a.Point, ".")
	switch {
	case !dotted || device == "" || point == "" || len(a.Point) > maxPoint || !utf8.ValidString(a.Point):
		return fmt.Errorf("the point %.80q is %w: write DEVICE.POINT", a.Point, cloud.ErrInvalid)
	case a.TTL < time.Second || a.TTL > MaxTTL:
		return fmt.Errorf("a ttl of %v is %w: from 1s to %v", a.TTL, cloud.ErrInvalid, MaxTTL)
	case a.Who == "":
		return fmt.Errorf("a command of nobody is %w: the audit log needs a name", cloud.ErrInvalid)
	}
	return checkValue(a.Value)
}

func checkValue(value json.RawMessage) error {
	var v any
	err := json.Unmarshal(value, &v)
	if len(value) > maxValue {
		err = fmt.Errorf("it has %d bytes, at most %d can be", len(value), maxValue)
	}
	switch v.(type) {
	case float64, bool, string:
	default:
		err = errors.Join(err, errors.New("a number, true, false or a text is meant"))
	}
	if err != nil {
		return fmt.Errorf("the value %.80s is %w: %w", value, cloud.ErrInvalid, err)
	}
	return nil
}

func asked(c cloud.Command, from string) audit.Entry {
	return audit.Entry{Time: c.Issued, Who: c.Who, From: from, Action: "point.write", Object: c.Gateway + "/" + c.Point, Outcome: audit.Asked,
		Trace: c.Execution, Details: map[string]string{"value": string(c.Value), "expires": c.Expires.Format(time.RFC3339)}}
}

// publish sends a command to its gateway. One that comes twice is carried out once: the gateway knows the execution.
func (r *Room) publish(ctx context.Context, c cloud.Command) error {
	payload, err := json.Marshal(wire.CommandRequest{Point: c.Point, Value: c.Value, Who: c.Who, Issued: c.Issued, Expires: c.Expires})
	if err == nil {
		err = r.o.Publish(ctx, wire.CommandRequestTopic(c.Gateway, c.Execution), payload)
	}
	if err != nil {
		return fmt.Errorf("send command %s: %w", c.Execution, err)
	}
	return nil
}
