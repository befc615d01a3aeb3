package status

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// pageOf is the status page. status.js fetches it again every other second and puts the new <main> in place.
func pageOf(s Status, alarms []Alarm, points []Point, now time.Time) []byte {
	var m markup
	m.f(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<title>%s · Penstock</title>
<link rel="stylesheet" href="/page/status.css">
<script src="/page/status.js" defer></script>
</head>
<body>
<header><b>Penstock</b><span>%s</span><span class="dim">%s</span><span id="lost" class="bad" role="status" hidden>✕ the gateway does not answer</span></header>
<main>
`, s.Gateway, s.Gateway, s.Site)
	m.f(`<p class="dim">Version %s, up %s, start number %s.</p>`, s.Version, duration(s.UptimeS), strconv.FormatUint(s.Starts, 10))
	m.alarmCard(alarms, now)
	m.raw(`<section class="grid">`)
	m.delivery(s, now)
	m.targets(s.Targets)
	m.connections(s.Connections)
	m.rules(s.Rules)
	m.raw(`</section>`)
	m.points(points, now)
	m.raw("</main>\n</body>\n</html>\n")
	return []byte(m.String())
}

func (m *markup) delivery(s Status, now time.Time) {
	m.raw(`<div class="card"><h2>Delivery</h2><dl>`)
	m.f(`<dt>Read</dt><dd>%s samples</dd>`, group(s.SamplesRead))
	m.f(`<dt>Kept</dt><dd>%s samples</dd>`, group(s.SamplesKept))
	m.f(`<dt>In the buffer</dt><dd>%s samples, %s</dd>`, group(s.Buffer.Samples), bytesText(s.Buffer.Bytes))
	m.f(`<dt>Not on disk yet</dt><dd>%s samples</dd>`, group(s.Buffer.Unsaved))
	m.f(`<dt>Oldest waiting</dt><dd>%s</dd>`, age(s.Buffer.Oldest, now))
	for _, why := range slices.Sorted(maps.Keys(s.Buffer.Dropped)) {
		if n := s.Buffer.Dropped[why]; n > 0 {
			m.f(`<dt class="bad">Given up: %s</dt><dd class="bad">%s samples</dd>`, why, group(n))
		}
	}
	m.clock(s.Clock)
	m.raw(`</dl></div>`)
}

func (m *markup) targets(targets []Target) {
	m.raw(`<div class="card"><h2>Targets</h2>`)
	if len(targets) == 0 {
		m.raw(`<p class="dim">No cloud is configured: this gateway runs on its own. Add a target under <code>cloud:</code>.</p>`)
	}
	for _, t := range targets {
		m.raw(`<p>`)
		m.state(upOrDown(t.Connected))
		m.f(` <b>%s</b> <span class="dim">%s</span><br><span class="dim">%s samples stored, %s wait%s</span>`, t.Name, t.URL, group(t.SentSamples), group(t.WaitingSamples), t.trouble())
		m.lost(t)
		m.raw(`</p>`)
	}
	m.raw(`</div>`)
}

func (t Target) trouble() string {
	switch {
	case t.Connected:
		return ""
	case t.Why == "":
		return "; connecting"
	}
	return "; " + t.Why
}

func upOrDown(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

// state shows how a connection is: by a sign and a word, not by colour alone.
func (m *markup) state(state string) {
	switch state {
	case "up":
		m.raw(`<span class="up">● up</span>`)
	case "degraded":
		m.raw(`<span class="late">◐ degraded</span>`)
	default:
		m.raw(`<span class="down">✕ down</span>`)
	}
}

func (m *markup) connections(connections []Connection) {
	m.raw(`<div class="card"><h2>Connections</h2>`)
	if len(connections) == 0 {
		m.raw(`<p class="dim">Nothing to read yet. Add a connection and a device to the configuration.</p>`)
	}
	for _, c := range connections {
		m.raw(`<p>`)
		m.state(c.State)
		m.f(` <b>%s</b> <span class="dim">%s, `, c.Name, c.Kind)
		if c.Requests == 0 && c.State == "up" {
			m.raw(`talks by itself</span>`)
		} else {
			m.f(`%s readings, %s failed, %s ms, load %s %%</span>`, group(c.Requests), group(c.Errors), fmt.Sprintf("%.1f", c.LatencyMS.P50), fmt.Sprintf("%.0f", 100*c.Load))
		}
		if c.Why != "" {
			m.f(`<br><span class="dim">%s`, c.Why)
			if c.RetryInS > 0 {
				m.f(`; retry in %s s`, strconv.FormatInt(c.RetryInS, 10))
			}
			m.raw(`</span>`)
		}
		m.raw(`</p>`)
	}
	m.raw(`</div>`)
}

func (m *markup) points(points []Point, now time.Time) {
	m.raw(`<div class="card"><table>
<thead><tr><th>Point</th><th class="n">Value</th><th class="wide">Where</th><th class="n">Age</th></tr></thead>
<tbody>`)
	if len(points) == 0 {
		m.raw(`<tr><td colspan="4" class="dim">No points are configured.</td></tr>`)
	}
	for _, p := range points {
		m.raw(`<tr><td class="name">`)
		for _, part := range parts(p.Point) {
			m.f(`%s<wbr>`, part)
		}
		m.raw(`</td><td class="n">`)
		m.value(p)
		m.f(`</td><td class="wide dim">%s</td><td class="n age">%s</td></tr>`, p.At, age(p.Time, now))
	}
	m.raw(`</tbody></table></div>`)
}

func (m *markup) value(p Point) {
	if p.Time == nil {
		m.raw(`<span class="dim">not read yet</span>`)
		return
	}
	shown := p.Label
	if shown == "" {
		shown = short(p.Value)
	}
	m.f(`<b>%s</b> <span class="dim">%s</span>`, shown, p.Unit)
	if p.Quality != "good" {
		m.f(` <span class="bad">%s</span>`, p.Quality)
	}
}
