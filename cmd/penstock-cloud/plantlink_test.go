package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/gateway/enrol"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/session"
	"github.com/penstock-edge/penstock/sync/wire"
)

// plant7 is a gateway as the cloud sees it: enrolled, on the real broker, with one alarm.
type plant7 struct {
	*shell
	session *session.Session
	came    chan session.Message
	seq     int
	end     func()
}

func newPlant7(t *testing.T) *plant7 {
	t.Helper()
	p := &plant7{shell: newShell(t), came: make(chan session.Message, 100)}
	files := identity.Files{Key: filepath.Join(p.dir, "plant7.key"), Cert: filepath.Join(p.dir, "plant7.crt"), CA: filepath.Join(p.dir, "plant7.ca")}
	token := strings.TrimSpace(p.must("invite", "plant7"))
	if _, err := enrol.Enrol(t.Context(), enrol.Request{URL: os.Getenv("PENSTOCK_CLOUD_URL"), Token: token, Gateway: "plant7", Files: files}); err != nil {
		t.Fatal(err)
	}
	pair, err := identity.LoadPair(files.Cert, files.Key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := identity.LoadCertificate(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	p.session, err = session.New(session.Options{
		URL: p.mqtt.String(), ClientID: "plant7", Log: slog.New(slog.DiscardHandler),
		TLS:       func() (*tls.Config, error) { return identity.ClientTLS([]tls.Certificate{pair}, ca, ""), nil },
		Subscribe: []string{wire.AcknowledgeTopic("plant7"), wire.CommandRequests("plant7")},
		Birth:     func() []session.Message { return nil },
		Receive:   func(_ context.Context, m session.Message) { p.came <- m },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// connect brings the link up; end brings it down.
func (p *plant7) connect() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.session.Run(ctx) }()
	p.end = func() {
		cancel()
		<-ended
	}
}

func (p *plant7) next() session.Message {
	p.t.Helper()
	select {
	case m := <-p.came:
		return m
	case <-time.After(10 * time.Second):
		p.t.Fatal("the gateway was told nothing")
		return session.Message{}
	}
}

func (p *plant7) say(topic string, payload any, user ...session.Property) {
	p.t.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.session.Publish(p.t.Context(), session.Message{Topic: topic, Payload: text, User: user}); err != nil {
		p.t.Fatal(err)
	}
}

// tell publishes events of the alarm as the gateway does.
func (p *plant7) tell(events []isa.Event) {
	p.t.Helper()
	told := map[string][]wire.AlarmEvent{}
	for _, e := range events {
		told["events"] = append(told["events"], wire.AlarmEvent{Thing: "plant7:press", Alarm: e.Alarm, Sequence: e.Sequence, Occurrence: e.Occurrence, Kind: string(e.Kind),
			From: string(e.From), To: string(e.To), Severity: e.Severity.String(), Time: e.Time, Who: wire.AlarmWho(e.Who), Text: "oil at 91 °C"})
	}
	p.seq++
	p.say(wire.AlarmTopic("plant7"), told, session.Property{Key: wire.PropEpoch, Value: "E"}, session.Property{Key: wire.PropSeq, Value: strconv.Itoa(p.seq)})
}

// TestOperateAGatewayThatIsAway: what was acknowledged and asked for while the gateway was away reaches it when it comes back.
func TestOperateAGatewayThatIsAway(t *testing.T) {
	p := newPlant7(t)
	own, err := isa.New("oil_hot", isa.Config{Severity: isa.High}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p.connect()
	p.tell(own.Step(time.Now(), isa.Input{Condition: isa.On}))
	p.end()
	if out := p.must("alarms", "plant7"); !strings.Contains(out, "unacknowledged") || !strings.Contains(out, "oil at 91 °C") {
		t.Errorf("alarms printed:\n%s", out)
	}
	p.must("ack", "plant7", "oil_hot", "--comment", "filling up")
	if out := p.must("write", "plant7", "press.setpoint", "42.5", "--wait", "10ms"); !strings.Contains(out, "not answered yet") {
		t.Errorf("write printed %q", out)
	}

	begun := time.Now()
	p.connect()
	defer func() { p.end() }()
	var ack isa.Acknowledgement
	var order wire.CommandRequest
	var execution string
	for ack.Alarm == "" || order.Point == "" {
		m := p.next()
		if m.Topic == wire.AcknowledgeTopic("plant7") {
			err = json.Unmarshal(m.Payload, &ack)
		} else {
			_, execution, _, _ = wire.ParseCommandTopic(m.Topic)
			order, err = wire.ParseCommandRequest(m.Payload)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("told %v after it connected", time.Since(begun).Round(time.Millisecond))
	if ack.Who.Name != "admin" || ack.Who.Comment != "filling up" || order.Who != "admin" || string(order.Value) != "42.5" {
		t.Errorf("told %+v and %+v", ack, order)
	}
	p.tell(own.Apply(time.Now(), ack))
	p.say(wire.CommandResponseTopic("plant7", execution), wire.CommandResponse{Status: wire.CommandSucceeded, Result: map[string]json.RawMessage{"value": []byte("42.5")}})
	if out := p.must("alarms", "plant7"); !strings.Contains(out, "acknowledged by admin") {
		t.Errorf("alarms printed:\n%s", out)
	}
	out := p.must("audit")
	for _, want := range []string{"alarm.acknowledge", "plant7/press.setpoint = 42.5", "asked", "done"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in the audit log:\n%s", want, out)
		}
	}
	p.must("audit", "verify")
}
