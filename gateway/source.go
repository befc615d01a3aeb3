package gateway

import (
	"math"
	"time"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/poll"
	"github.com/penstock-edge/penstock/gateway/status"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Status is the whole gateway at a glance.
func (g *Gateway) Status() status.Status {
	counts := g.flow.Stats()
	s := status.Status{
		Gateway: g.cfg.Gateway.ID, Site: g.cfg.Gateway.Site, Version: g.version,
		UptimeS: int64(time.Since(g.started).Seconds()), Starts: g.state.Boots(),
		SamplesRead: counts.Read, SamplesKept: counts.Kept,
		Buffer: g.bufferStatus(counts.Dropped), Targets: []status.Target{}, Connections: []status.Connection{}, Rules: g.ruleStatus(), Alarms: g.panel.Active(), Clock: g.clockStatus(),
	}
	for _, t := range g.targets {
		link := t.session.State()
		waits := t.cursor.Stats()
		s.Targets = append(s.Targets, status.Target{
			Name: t.name, URL: t.url, Connected: link.Connected, Why: link.Why, SentSamples: t.sent.Load(), AckedSeq: t.acked.Load(),
			WaitingBlocks: waits.Records, WaitingSamples: waits.Samples,
		})
		t.lost(&s.Targets[len(s.Targets)-1])
	}
	for _, p := range g.pollers {
		s.Connections = append(s.Connections, connectionStatus(p.State()))
	}
	return s
}

func (g *Gateway) bufferStatus(noMemory uint64) status.Buffer {
	q := g.queue.Stats()
	b := status.Buffer{Records: q.Records, Samples: q.Samples + uint64(g.flow.Pending()), Unsaved: uint64(g.flow.Unsaved()), Bytes: q.Bytes, Dropped: map[string]uint64{"memory full": noMemory}}
	if q.Oldest.Unix() > 0 { // else nothing waits, or it came when nobody knew the time
		b.Oldest = &q.Oldest
	}
	for reason, n := range q.Dropped {
		b.Dropped[reason] = n.Samples
	}
	return b
}

func connectionStatus(c poll.State) status.Connection {
	out := status.Connection{
		Name: c.Name, Kind: c.Kind, State: c.State, Why: c.Why, Requests: c.Requests, Errors: c.Errors, Overruns: c.Overruns, Load: math.Round(1000*c.Load) / 1000, BusyS: c.Busy.Seconds(),
		LatencyMS: status.Latency{P50: milliseconds(c.P50), P99: milliseconds(c.P99)},
	}
	if wait := time.Until(c.RetryAt); c.State == "down" && wait > 0 {
		out.RetryInS = int64(wait.Seconds()) + 1
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Points lists every point with its latest value, in the configuration's order.
func (g *Gateway) Points() []status.Point {
	out := make([]status.Point, len(g.cfg.Points))
	for i := range g.cfg.Points {
		s, seen := g.flow.Latest(telemetry.PointID(i))
		out[i] = PointStatus(g.cfg.Points[i], s, seen)
	}
	return out
}

// PointStatus is one point with a sample of it, as people read it; seen is false while there is none.
func PointStatus(p config.Point, s telemetry.Sample, seen bool) status.Point {
	out := status.Point{Point: p.FullName(), Unit: p.Unit, Access: string(p.Access), At: p.Spec.String()}
	if !seen {
		out.Quality = telemetry.BadWaitingForData.String()
		return out
	}
	at := time.Unix(0, s.Time).UTC()
	out.Value, out.Quality, out.Time = s.Value, s.Quality.String(), &at
	if f, ok := s.Value.Float(); ok && p.Enum != nil {
		out.Label = p.Enum[int64(f)]
	}
	return out
}
