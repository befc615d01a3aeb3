package config

import (
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Target is one cloud the gateway syncs to.
type Target struct {
	Name     string
	URL      string // mqtts://host:port
	Identity Identity
	Send     time.Duration // block length; default 5s
	Backfill int64         // bytes a second of what waited while the target was away; 0: what the line gives

	Shadow   []telemetry.PointID // points that a shadow's desired state may write, nothing else
	Report   []telemetry.PointID // points whose values are a shadow's reported state; default those of Shadow
	Commands []telemetry.PointID // points that a command may write, nothing else

	Broker *Broker // nil: a penstock-cloud

	takes []bool // by PointID: whether it goes there; nil: all do
}

// maxTargets is how many cursors a buffer has.
const maxTargets = 16

// Identity is where a target's key, certificate and CA are; default STATE/identity/NAME.{key,crt,ca}.
type Identity struct{ KeyFile, Cert, CA string }

// targetKeys is one item of the section `cloud`.
type targetKeys struct {
	Name     string       `yaml:"name"`
	URL      string       `yaml:"url" required:"true"`
	Identity identityKeys `yaml:"identity"`
	Send     sendKeys     `yaml:"send"`
	Backfill backfillKeys `yaml:"backfill"`
	Only     []*node      `yaml:"only"`
	Shadow   []*node      `yaml:"shadow"`
	Report   []*node      `yaml:"report"`
	Commands []*node      `yaml:"commands"`
}

type identityKeys struct {
	Cert    string `yaml:"cert" path:"true"`
	KeyFile string `yaml:"key_file"`
	CA      string `yaml:"ca" path:"true"`
}

type sendKeys struct {
	Every time.Duration `yaml:"every"`
}

type backfillKeys struct {
	Rate byteRate `yaml:"rate"`
}

// leastRate is below what brings a block over before its time.
const leastRate = 1 << 10

const defaultTarget = "main"

func (l *loading) targets(n *node, state string) {
	names := map[string]place{}
	l.items(n, "cloud", "- {name: main, url: \"mqtts://iot.example.com:8883\"}", func(item *node) {
		t := l.target(item, state)
		if first, twice := names[t.Name]; twice {
			l.found.fault(item.at, "give each a name of its own: it is its place in the buffer", "cloud target %s is defined twice, first at %s", t.Name, first)
		}
		names[t.Name] = item.at
		if len(l.cfg.Cloud) == maxTargets {
			l.found.fault(item.at, "", "more than %d cloud targets", maxTargets)
		}
		if len(t.Shadow)+len(t.Report)+len(t.Commands) > 0 {
			if l.cfg.Lead != "" {
				l.found.fault(item.at, "leave shadow, report and commands to one of them", "both %s and %s would direct the equipment", l.cfg.Lead, t.Name)
			}
			l.cfg.Lead = t.Name
		}
		l.cfg.Cloud = append(l.cfg.Cloud, t)
	})
	for _, t := range l.cfg.Cloud {
		if l.cfg.Lead == "" && t.Broker == nil {
			l.cfg.Lead = t.Name
		}
	}
	l.warnNowhere(n)
}

func (l *loading) target(n *node, state string) Target {
	k := targetKeys{Name: defaultTarget, Send: sendKeys{Every: 5 * time.Second}}
	label := k.Name
	if e, ok := n.entry("name"); ok && e.value.shape == scalar {
		label = e.value.text
	}
	b := newBrokerKeys()
	f := newForm(l.found, "cloud target "+label, n.at, &k, &b)
	f.fill(n, f.where)
	f.complete()
	l.name(f.valueAt("name"), "cloud target", k.Name)
	broker := l.broker(f, &b, &k.URL)
	if k.Send.Every < 100*time.Millisecond {
		f.wrongValue("send", "write send: {every: 5s}", "a block of %s is shorter than 100ms", k.Send.Every)
	}
	if g, ok := f.got("backfill"); ok && !g.spoiled && k.Backfill.Rate < leastRate {
		f.wrongIn("backfill.rate", "write backfill: {rate: 2MiB/s}, or take it out: then it takes what the line gives", "what has waited would never arrive at less than 1KiB/s")
	}
	t := Target{
		Name: k.Name, URL: k.URL, Send: k.Send.Every, Backfill: int64(k.Backfill.Rate), Identity: k.Identity.over(DefaultIdentity(state, k.Name)),
		Shadow: l.allowed(f, "shadow", k.Shadow), Report: l.chosen(&f.binder, "report", k.Report), Commands: l.allowed(f, "commands", k.Commands),
	}
	if k.Report == nil {
		t.Report = t.Shadow
	}
	if t.Broker = broker; broker != nil {
		t.Identity = k.Identity.over(Identity{})
		f.pairOf(k.Identity)
	}
	t.takes = l.only(f, k.Only)
	l.within(f, "shadow", &t, t.Shadow)
	l.within(f, "report", &t, t.Report)
	l.within(f, "commands", &t, t.Commands)
	return t
}

// pairOf: a broker may go by a certificate or not, but then there is a key too.
func (f *form) pairOf(i identityKeys) {
	if (i.Cert == "") != (i.KeyFile == "") {
		f.wrongValue("identity", "give both cert and key_file, or neither", "a certificate is of use with its key only")
	}
}

// DefaultIdentity is where enrolment puts a target's identity, and where it is looked for.
func DefaultIdentity(state, target string) Identity {
	base := filepath.Join(state, "identity", target)
	return Identity{KeyFile: base + ".key", Cert: base + ".crt", CA: base + ".ca"}
}

// over replaces of an identity what is written.
func (i identityKeys) over(id Identity) Identity {
	if i.KeyFile != "" {
		id.KeyFile = i.KeyFile
	}
	if i.Cert != "" {
		id.Cert = i.Cert
	}
	if i.CA != "" {
		id.CA = i.CA
	}
	return id
}

// mqttURL checks the url and gives it its port.
func (f *form) mqttURL(text string) string {
	u, err := url.Parse(text)
	const example = "write mqtts://iot.example.com:8883"
	switch {
	case err != nil || u.Hostname() == "":
		f.wrongValue("url", example, "%q is no URL", f.raw("url"))
	case u.User != nil:
		f.wrongValue("url", "take it out", "the URL carries a user name; the gateway's certificate says who it is")
	case u.Scheme != "mqtts":
		f.wrongValue("url", example, "%s:// is not spoken to a cloud: it is MQTT over TLS", u.Scheme)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		f.wrongValue("url", example, "a host and a port are enough")
	case u.Port() == "":
		return "mqtts://" + net.JoinHostPort(u.Hostname(), "8883")
	}
	return text
}

// raw is a key's value as it was written.
func (f *form) raw(key string) string {
	g, _ := f.got(key)
	if g.value == nil {
		return ""
	}
	return g.value.raw
}
