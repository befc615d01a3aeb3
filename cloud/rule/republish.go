package rule

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/cloud"
)

// User properties of what rules publish.
const (
	PropHops = "penstock-hops" // how many rules have passed it on
	PropKey  = "penstock-key"  // the same whenever the same message comes again
)

// Publication is what a republish action sends.
type Publication struct {
	Rule          string
	Topic         string
	Payload       []byte
	QoS           byte
	ContentType   string
	ResponseTopic string
	Correlation   []byte
	Expires       time.Duration // 0: never
	Text          bool
	User          [][2]string
}

type republish struct {
	source string
	topic  text
	qos    byte
	text   bool
	// MQTT 5 properties, in the order of republishHeaders.
	contentType, responseTopic, correlation, expiry text
	user                                            []textHeader
}

type republishHeaders struct {
	Format        string   `json:"payloadFormatIndicator"`
	ContentType   string   `json:"contentType"`
	ResponseTopic string   `json:"responseTopic"`
	Correlation   string   `json:"correlationData"`
	Expiry        string   `json:"messageExpiry"`
	User          []header `json:"userProperties"`
}

func newRepublish(m *maker) (action, error) {
	var s struct {
		Topic   string           `json:"topic"`
		QoS     *int             `json:"qos"`
		RoleARN string           `json:"roleArn"` // of AWS IoT: read over
		Headers republishHeaders `json:"headers"`
	}
	m.read(&s)
	m.needs("topic", s.Topic)
	h, qos := &s.Headers, 0
	if s.QoS != nil {
		qos = *s.QoS
	}
	if m.err == nil && (qos < 0 || qos > 2) {
		m.err = fmt.Errorf("qos is 0, 1 or 2, not %d", qos)
	}
	topic := s.Topic
	if rest, ok := strings.CutPrefix(topic, "$$"); ok { // $${...} would be a template
		topic = "$" + rest
	} else if m.err == nil && strings.HasPrefix(topic, "$") && !strings.HasPrefix(topic, "${") {
		m.err = fmt.Errorf("topic: %q: a topic that begins with $ is written with $$, as in $$aws/things/press/shadow/update", topic)
	}
	a := &republish{source: s.Topic, topic: m.text("topic", topic), qos: byte(qos), text: h.Format == "UTF8_DATA",
		contentType: m.text("contentType", h.ContentType), responseTopic: m.text("responseTopic", h.ResponseTopic),
		correlation: m.text("correlationData", h.Correlation), expiry: m.text("messageExpiry", h.Expiry), user: m.headers("userProperties", h.User)}
	return a, m.err
}

func (a *republish) kind() string     { return kindRepublish }
func (a *republish) resource() string { return a.source }

type republishCall struct {
	Topic         string      `json:"topic"`
	QoS           byte        `json:"qos"`
	Text          bool        `json:"text,omitempty"`
	ContentType   string      `json:"contentType,omitempty"`
	ResponseTopic string      `json:"responseTopic,omitempty"`
	Correlation   []byte      `json:"correlation,omitempty"`
	Expires       int         `json:"expires,omitempty"` // seconds
	User          [][2]string `json:"user,omitempty"`
	Hops          int         `json:"hops"`
}

var errHops = errors.New("rules have passed this message on too often: do they feed each other?")

func (a *republish) call(o *occasion) (any, error) {
	if o.hops >= o.maxHops {
		return nil, errHops
	}
	c := republishCall{QoS: a.qos, Text: a.text, Hops: o.hops + 1}
	var correlation, expiry string
	var err [6]error
	c.Topic, err[0] = a.topic.must(o, "topic")
	c.ContentType, err[1] = a.contentType.expand(o)
	c.ResponseTopic, err[2] = a.responseTopic.expand(o)
	correlation, err[3] = a.correlation.expand(o)
	expiry, err[4] = a.expiry.expand(o)
	c.User, err[5] = expandHeaders(a.user, o)
	if err := errors.Join(err[:]...); err != nil {
		return nil, err
	}
	if strings.ContainsAny(c.Topic, "+#\x00") {
		return nil, fmt.Errorf("topic: %q holds a wildcard", c.Topic)
	}
	if c.Correlation, err[0] = base64.StdEncoding.DecodeString(correlation); err[0] != nil {
		return nil, fmt.Errorf("correlationData: %w", err[0])
	}
	if expiry != "" {
		if c.Expires, err[0] = strconv.Atoi(expiry); err[0] != nil || c.Expires < 0 {
			return nil, fmt.Errorf("messageExpiry: %q is no number of seconds", expiry)
		}
	}
	return c, nil
}

// republish publishes to whoever has subscribed, and hands over to the rules that want to see it.
func (e *Engine) republish(ctx context.Context, item *cloud.OutboxItem) (st cloud.Settlement, err error) {
	var c republishCall
	if err := json.Unmarshal(item.Call, &c); err != nil {
		return st, refuse("read what to publish: %w", err)
	}
	user := append(c.User, [2]string{PropHops, strconv.Itoa(c.Hops)}, [2]string{PropKey, item.Key})
	err = e.o.Publish(ctx, Publication{Rule: item.Rule, Topic: c.Topic, Payload: item.Payload, QoS: c.QoS, ContentType: c.ContentType,
		ResponseTopic: c.ResponseTopic, Correlation: c.Correlation, Expires: time.Duration(c.Expires) * time.Second, Text: c.Text, User: user})
	if err != nil {
		return st, err
	}
	next := cloud.InboxItem{Topic: c.Topic, Payload: item.Payload, Trace: item.Key, Principal: "rule:" + item.Rule, Received: time.Now(), Hops: c.Hops, User: user}
	if c.ContentType != "" {
		next.Properties = map[string]string{"content_type": c.ContentType}
	}
	if e.Wants(&next) {
		st.Chain = &next
	}
	return st, nil
}
