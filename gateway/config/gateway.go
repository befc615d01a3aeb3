package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// gatewayKeys is the section `gateway`.
type gatewayKeys struct {
	ID       string `yaml:"id"`
	Site     string `yaml:"site"`
	Timezone string `yaml:"timezone"`
	Clock    Clock  `yaml:"clock"`
}

// Clock says when the machine's clock is believed.
type Clock uint8

// When the machine's clock is believed.
const (
	ClockAuto         Clock = iota // when it is synchronised; when there is no time service; when that had its chance
	ClockSynchronised              // only when it is, or was in this boot
	ClockMachine                   // always, as it is
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Clock) UnmarshalText(text []byte) error {
	i := slices.Index([]string{"auto", "synchronised", "machine"}, string(text))
	if i < 0 {
		return fmt.Errorf("%q is no way to judge a clock: auto, synchronised or machine", text)
	}
	*c = Clock(i)
	return nil
}

// idForm is what a thing's name may be: it is one level of a topic and the common name of a certificate.
// A colon is not in it: press of plant7 is the thing plant7:press.
var (
	idForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
	notInID = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
)

func (l *loading) gateway(n *node) Gateway {
	var k gatewayKeys
	f := newForm(l.found, "the section gateway", atOf(n), &k)
	f.section(n)
	g := Gateway{ID: k.ID, Site: k.Site, Timezone: time.Local, Clock: k.Clock}
	switch {
	case g.ID == "":
		g.ID = hostID()
	case !idForm.MatchString(g.ID):
		f.wrongValue("id", "write "+strings.Trim(notInID.ReplaceAllString(g.ID, "-"), "-_"), "%q is no name for a gateway: letters, digits, - and _, at most 64", g.ID)
	}
	if k.Timezone != "" {
		zone, err := time.LoadLocation(k.Timezone)
		if err != nil {
			f.wrongValue("timezone", "write one as in Europe/Berlin, or UTC", "%q is no time zone that this machine knows", k.Timezone)
		} else {
			g.Timezone = zone
		}
	}
	return g
}

// hostID is the machine's name without its domain, as far as it can be a thing's.
func hostID() string {
	host, _ := os.Hostname()
	host, _, _ = strings.Cut(host, ".")
	if id := strings.Trim(notInID.ReplaceAllString(host, "-"), "-_"); idForm.MatchString(id) {
		return id
	}
	return "gateway"
}
