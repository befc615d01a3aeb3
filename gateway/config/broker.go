package config

import (
	"net/url"
	"strings"
)

// Broker is what a target is that is no penstock-cloud: any MQTT 5 broker.
type Broker struct {
	ClientID     string
	User         string
	Password     string // from the environment
	PasswordFile string
	Topic        Topic // of samples
	Alarms       Topic
	Losses       Topic
	Block        bool // the payload is a block, not JSON
	AWS          bool // it is AWS IoT Core, or has its limits
}

// brokerKeys are what a target of type mqtt has besides.
type brokerKeys struct {
	Type         string `yaml:"type"`
	Client       string `yaml:"client"`
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file" path:"true"`
	Insecure     bool   `yaml:"insecure"`
	Topic        Topic  `yaml:"topic"`
	AlarmTopic   Topic  `yaml:"alarm_topic"`
	LossTopic    Topic  `yaml:"loss_topic"`
	Payload      string `yaml:"payload"`
	Limits       string `yaml:"limits"`
}

const (
	typeCloud = "penstock"
	typeMQTT  = "mqtt"
)

// brokerOnly are the keys of a broker, cloudOnly those of a penstock-cloud.
var (
	brokerOnly = []string{"client", "user", "password", "password_file", "insecure", "topic", "alarm_topic", "loss_topic", "payload", "limits"}
	cloudOnly  = []string{"shadow", "report", "commands"}
)

func newBrokerKeys() brokerKeys {
	return brokerKeys{Type: typeCloud, Topic: "penstock/{gateway}/{device}", AlarmTopic: "penstock/{gateway}/alarm", LossTopic: "penstock/{gateway}/loss", Payload: "json"}
}

// broker reads what is of a broker; nil: the target is a penstock-cloud.
func (l *loading) broker(f *form, k *brokerKeys, address *string) *Broker {
	others, hint := brokerOnly, "add type: mqtt when it is a broker of somebody else's"
	switch k.Type {
	case typeCloud:
	case typeMQTT:
		others, hint = cloudOnly, "take it out: a plain broker only receives"
	default:
		f.wrongValue("type", "write "+typeCloud+" or "+typeMQTT, "%q is no kind of target", k.Type)
		return nil
	}
	for _, key := range others {
		if g, ok := f.got(key); ok {
			f.spoiled(g.key.at, key, wrong(hint, "it means nothing to a target of type %s", k.Type))
		}
	}
	if k.Type == typeCloud {
		if g, ok := f.got("url"); ok && !g.spoiled {
			*address = f.mqttURL(*address)
		}
		return nil
	}
	b := &Broker{
		ClientID: k.Client, User: k.User, Password: k.Password, PasswordFile: k.PasswordFile,
		Topic: k.Topic, Alarms: k.AlarmTopic, Losses: k.LossTopic, Block: k.Payload == "block",
	}
	if _, ok := f.got("topic"); b.Block && !ok {
		b.Topic = "penstock/{gateway}/block"
	}
	if b.ClientID == "" {
		b.ClientID = l.cfg.Gateway.ID
	}
	if g, ok := f.got("url"); ok && !g.spoiled {
		*address = f.brokerURL(*address, k.Insecure)
	}
	l.brokerLogin(f, k)
	l.brokerLimits(f, k, b, *address)
	l.brokerTopics(f, b)
	if k.Payload != "json" && k.Payload != "block" {
		f.wrongValue("payload", "write json or block", "%q is no payload", k.Payload)
	}
	return b
}

func (l *loading) brokerLogin(f *form, k *brokerKeys) {
	has := k.Password != "" || k.PasswordFile != ""
	switch {
	case k.Password != "" && k.PasswordFile != "":
		f.wrongValue("password", "keep one", "password and password_file are both given")
	case has && k.User == "":
		f.wrongValue("user", "give user, or take the password out", "there is a password but no user")
	}
}

// brokerLimits looks who the broker is: AWS IoT Core ends connections that go beyond its limits.
func (l *loading) brokerLimits(f *form, k *brokerKeys, b *Broker, address string) {
	u, err := url.Parse(address)
	isAWS := err == nil && strings.Contains(u.Hostname(), ".iot.") && (strings.HasSuffix(u.Hostname(), ".amazonaws.com") || strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn"))
	switch k.Limits {
	case "":
		b.AWS = isAWS
	case "aws-iot":
		b.AWS = true
	case "none":
	default:
		f.wrongValue("limits", "write aws-iot or none", "%q are no limits known here", k.Limits)
	}
	if b.AWS && len(b.ClientID) > maxAWSName {
		f.wrongValue("client", "give it a shorter one", "AWS IoT Core takes client ids of %d bytes, and it has %d", maxAWSName, len(b.ClientID))
	}
}

// AWS IoT Core's limits of names: https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
const (
	maxAWSName    = 128 // bytes of a client id
	maxAWSTopic   = 256 // bytes of a topic
	maxAWSSlashes = 7
	maxTopic      = 65535 // MQTT 5, 1.5.4
)

func (l *loading) brokerTopics(f *form, b *Broker) {
	samples := []string{"gateway", "site", "device", "point"}
	if b.Block {
		samples = samples[:2]
	}
	l.brokerTopic(f, "topic", b, b.Topic, samples...)
	l.brokerTopic(f, "alarm_topic", b, b.Alarms, "gateway", "site")
	l.brokerTopic(f, "loss_topic", b, b.Losses, "gateway", "site")
}

func (l *loading) brokerTopic(f *form, key string, b *Broker, t Topic, may ...string) {
	if err := t.check(may...); err != nil {
		last := "{device}"
		if len(may) == 2 {
			last = map[string]string{"topic": "block", "alarm_topic": "alarm", "loss_topic": "loss"}[key]
		}
		hint := "write " + key + `: "penstock/{gateway}/` + last + `"`
		f.wrongValue(key, hint, "%q is no topic here: %v", string(t), err)
		return
	}
	if strings.ContainsAny(l.cfg.Gateway.Site, "+#/") && t.Has("site") {
		f.wrongValue(key, "take {site} out, or write another site", "the site %q cannot stand in a topic", l.cfg.Gateway.Site)
		return
	}
	most, slashes := maxTopic, maxTopic
	if b.AWS {
		most, slashes = maxAWSTopic, maxAWSSlashes
	}
	for i := range l.cfg.Points {
		name := t.Of(l.cfg.Gateway.ID, l.cfg.Gateway.Site, l.cfg.Points[i].Device, l.cfg.Points[i].Name)
		if len(name) > most || strings.Count(name, "/") > slashes {
			f.wrongValue(key, "make it shorter", "%s has %d bytes and %d slashes; the broker takes %d and %d", name, len(name), strings.Count(name, "/"), most, slashes)
			return
		}
	}
}

// brokerURL checks the url and gives it its port.
func (f *form) brokerURL(text string, insecure bool) string {
	u, err := url.Parse(text)
	if err == nil && u.Scheme == "mqtt" {
		if !insecure {
			f.wrongValue("url", "write mqtts://, or add insecure: true", "mqtt:// sends everything, passwords included, for anybody to read and change")
			return text
		}
		if checked := f.mqttURL("mqtts" + strings.TrimPrefix(text, "mqtt")); u.Port() == "" {
			return "mqtt" + strings.TrimSuffix(strings.TrimPrefix(checked, "mqtts"), ":8883") + ":1883"
		}
		return text
	}
	return f.mqttURL(text)
}
