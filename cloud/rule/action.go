package rule

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	sql "github.com/penstock-edge/penstock/sync/rule"
)

// The kinds of actions, by their keys in a document.
const (
	kindRepublish = "republish"
	kindWebhook   = "http"
	kindStore     = "store"
	kindAlarm     = "alarm"
	kindNATS      = "nats"
)

// action is what is to be done with each row. One goroutine at a time.
type action interface {
	kind() string
	resource() string // what it is done to, as the document says
	// call fills in what to do: the item's Call as JSON is read by the one who does it. An error means that it cannot be done.
	call(o *occasion) (any, error)
}

// occasion is what a row came from.
type occasion struct {
	rule    string
	now     time.Time
	at      time.Time   // event time of the row
	message sql.Message // as it came; of a window's row, which has no one message, the row
	thing   string      // that the topic names
	trace   string
	hops    int
	maxHops int
	row     []byte
	rows    int // of this occasion so far: a message may end several windows
}

// text is a setting with what its ${expressions} give.
type text struct {
	constant string
	template *sql.Template
}

func (t text) expand(o *occasion) (string, error) {
	if t.template == nil {
		return t.constant, nil
	}
	s, err := t.template.Expand(o.now, o.message)
	if err != nil {
		return "", fmt.Errorf("fill in %q: %w", t.constant, err)
	}
	return s, nil
}

// must expands a text that may not be empty.
func (t text) must(o *occasion, key string) (string, error) {
	s, err := t.expand(o)
	if err == nil && s == "" {
		err = fmt.Errorf("%s: %q gives nothing for this message", key, t.constant)
	}
	return s, err
}

type textHeader struct {
	key   string
	value text
}

func expandHeaders(list []textHeader, o *occasion) (made [][2]string, err error) {
	for _, h := range list {
		value, err := h.value.expand(o)
		if err != nil {
			return nil, err
		}
		made = append(made, [2]string{h.key, value})
	}
	return made, nil
}

// prepare makes the item of an action: all that is needed to execute it later, whatever happens to its rule.
func prepare(a action, o *occasion, place int) (item cloud.OutboxItem, err error) {
	suffix := fmt.Sprint(place)
	if place < 0 {
		suffix = "error"
	}
	item = cloud.OutboxItem{Queue: o.rule + "/" + suffix, Rule: o.rule, Action: place, Kind: a.kind(), Lane: o.message.Topic,
		Key: o.key(suffix), Payload: o.row, Created: o.now}
	call, err := a.call(o)
	if err == nil {
		item.Call, err = json.Marshal(call)
	}
	if err != nil {
		item.Error = err.Error()
	}
	return item, err
}

// key is the same for the same row of the same message, and for no other execution.
func (o *occasion) key(suffix string) string {
	key := o.trace + ":" + o.rule + ":" + suffix
	if o.rows > 1 {
		key += ":" + strconv.Itoa(o.rows)
	}
	return key
}

// thingOf is the thing that a topic is about, empty when it names none.
func thingOf(topic string) string {
	rest, ok := strings.CutPrefix(topic, "dt/")
	if !ok {
		if rest, ok = strings.CutPrefix(topic, "$aws/things/"); !ok {
			return ""
		}
	}
	thing, _, _ := strings.Cut(rest, "/")
	return thing
}

// refusal is an error that comes again however often the action is tried.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }
