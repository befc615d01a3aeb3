package config

import (
	"time"
)

// guardKeys is the key `guard` of a point.
type guardKeys struct {
	Interlock *node          `yaml:"interlock"`
	Every     time.Duration  `yaml:"every"`
	Step      float64        `yaml:"step"`
	Tolerance float64        `yaml:"tolerance"`
	TTL       *time.Duration `yaml:"ttl"`
}

// DefaultTTL is how long an order waits for a point whose guard says nothing else.
const DefaultTTL = time.Minute

// interlock is a condition that is looked at once every point is known.
type interlock struct {
	binder binder
	n      *node
}

// guard reads what stands between a value and the equipment.
func (d *device) guard(f *form, k *guardKeys, p *Point) {
	if p.Access != ReadWrite {
		if k != nil {
			g, _ := f.got("guard")
			f.spoiled(g.key.at, "guard", wrong("give it access: rw, or take guard out", "the point is read only: there are no writes to guard"))
		}
		return
	}
	p.Guard.TTL = DefaultTTL
	if k == nil {
		return
	}
	p.Guard.Every, p.Guard.Step, p.Guard.Tolerance = k.Every, k.Step, k.Tolerance
	for key, v := range map[string]float64{"guard.step": k.Step, "guard.tolerance": k.Tolerance} {
		if v < 0 {
			f.wrongIn(key, "", "%v is below zero", v)
		}
	}
	if k.TTL != nil {
		if p.Guard.TTL = *k.TTL; p.Guard.TTL <= 0 {
			f.wrongIn("guard.ttl", "write ttl: 1m", "an order would be too old as soon as it comes")
		}
	}
	if n := k.Interlock; n != nil && !n.broken && f.isScalar(n, "guard.interlock") {
		p.Guard.Interlock = n.text
		d.interlocks = append(d.interlocks, interlock{f.binder, n})
	}
}

// checkInterlocks parses the conditions of all guards.
func (l *loading) checkInterlocks() {
	for _, i := range l.interlocks {
		l.condition(&i.binder, "guard.interlock", i.n)
	}
}
