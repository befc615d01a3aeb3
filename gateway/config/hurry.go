package config

import "time"

// hurryKeys is the key `scan` of a rule.
type hurryKeys struct {
	Points []*node       `yaml:"points" required:"true"`
	Rate   string        `yaml:"rate" required:"true"`
	For    time.Duration `yaml:"for" required:"true"`
}

// hurry reads which points are read faster, and for how long. Points that come by themselves are left out.
func (d *draft) hurry(key string, k *hurryKeys) *Hurry {
	h := &Hurry{Points: d.chosen(&d.form.binder, key+".points", k.Points), For: k.For}
	if k.Rate != "" {
		h.Scan = d.rate(d.form, key+".rate", k.Rate)
	}
	if k.For <= 0 && !d.form.anySpoiled() {
		d.form.wrongIn(key+".for", "write for: 1m", "it must end some time")
	}
	polled := h.Points[:0]
	for _, id := range h.Points {
		if !d.cfg.Points[id].Spec.Pushed() {
			polled = append(polled, id)
		}
	}
	if len(polled) == 0 && len(h.Points) > 0 {
		d.found.add(finding{at: d.form.deepAt(key), severity: Warning, before: key + " of ", where: d.form.where, after: " has no effect: these points come by themselves"})
	}
	h.Points = polled
	return h
}
