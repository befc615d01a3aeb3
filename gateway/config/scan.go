package config

import (
	"maps"
	"slices"
	"time"
)

// normal is the scan rate of a point that names none.
const normal = "normal"

// fastest is the shortest scan there is a use for: less is what subscriptions are for.
const fastest = time.Millisecond

func (l *loading) scanRates(f *form, rates map[string]time.Duration) {
	l.cfg.Scan = map[string]time.Duration{normal: time.Second}
	g, _ := f.got("scan")
	for name, rate := range rates {
		e, _ := g.value.entry(name)
		l.name(e.key.at, "scan rate", name)
		if rate < fastest && !g.spoiled {
			l.found.fault(e.value.at, "write 1s or the like", "the scan rate %s is less than %s", name, fastest)
		}
		l.cfg.Scan[name] = rate
	}
}

// rate resolves a key such as the scan of a device or a point: a name or a duration.
func (l *loading) rate(f *form, key, text string) time.Duration {
	if d, ok := l.cfg.Scan[text]; ok {
		return d
	}
	d, err := readDuration(text)
	switch {
	case err != nil && (text == "" || text[0] >= '0' && text[0] <= '9'):
		f.spoiled(f.deepAt(key), key, err)
	case err != nil:
		f.wrongIn(key, suggest(text, slices.Collect(maps.Keys(l.cfg.Scan))), "there is no scan rate %q", text)
	case d < fastest:
		f.wrongIn(key, "write 1s or the like", "%s is less than %s", text, fastest)
	}
	return d
}
