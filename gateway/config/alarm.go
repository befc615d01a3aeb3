package config

import (
	"strings"
	"time"

	"github.com/penstock-edge/penstock/sync/alarm"
)

// alarmKeys is the key `alarm` of a rule.
type alarmKeys struct {
	Severity alarm.Severity   `yaml:"severity"`
	Text     *node            `yaml:"text" required:"true"`
	OnDelay  time.Duration    `yaml:"on_delay"`
	OffDelay time.Duration    `yaml:"off_delay"`
	Latch    bool             `yaml:"latch"`
	Escalate []escalationKeys `yaml:"escalate"`
	ReAlarm  time.Duration    `yaml:"re_alarm"`
}

type escalationKeys struct {
	After    time.Duration  `yaml:"after" required:"true"`
	Severity alarm.Severity `yaml:"severity" required:"true"`
}

// alarmKey is the key that a message of alarm.Config.Validate begins with.
var alarmKey = [...][2]string{
	{"on-delay", "on_delay"}, {"off-delay", "off_delay"}, {"re-alarm", "re_alarm"}, {"escalation", "escalate"}, {"severity", "severity"},
}

func (d *draft) alarm(k *alarmKeys) *Alarm {
	a := &Alarm{Config: alarm.Config{
		Severity: k.Severity, OnDelay: k.OnDelay, OffDelay: k.OffDelay, Latch: k.Latch, ReAlarm: k.ReAlarm,
	}}
	if a.Config.Severity == 0 {
		a.Config.Severity = alarm.Medium
	}
	for _, e := range k.Escalate {
		a.Config.Escalate = append(a.Config.Escalate, alarm.Escalation{After: e.After, Severity: e.Severity})
	}
	if k.Text != nil {
		d.phrase("alarm.text", k.Text)
		a.Text = k.Text.text
	}
	if g, ok := d.form.got("alarm"); !ok || g.spoiled {
		return a
	}
	if err := a.Config.Validate(); err != nil {
		for message := range strings.SplitSeq(err.Error(), "\n") {
			d.wrongAlarm(message)
		}
	}
	return a
}

func (d *draft) wrongAlarm(message string) {
	path := "alarm"
	for _, k := range alarmKey {
		if strings.HasPrefix(message, k[0]) || strings.Contains(message, " "+k[0]) {
			path = "alarm." + k[1]
			break
		}
	}
	d.form.wrongIn(path, "", "%s", message)
}
