package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/penstock-edge/penstock/cloud/ingest"
	"github.com/penstock-edge/penstock/cloud/ledger"
)

// metrics are what Prometheus may ask for: counts, and no names of things.
type metrics struct {
	registry *prometheus.Registry
	mqtt     *prometheus.CounterVec
	http     *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		mqtt: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_cloud_mqtt_events_total", Help: "Connections, publishes, subscriptions and deliveries by outcome.",
		}, []string{"event", "outcome"}),
		http: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "penstock_cloud_http_requests_total", Help: "HTTPS requests by status code.",
		}, []string{"code"}),
	}
	m.registry.MustRegister(m.mqtt, m.http, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// count is the broker's Count.
func (m *metrics) count(event, outcome string) { m.mqtt.WithLabelValues(event, outcome).Inc() }

// watch adds what others count.
func (m *metrics) watch(connections func() int, counts func() ingest.Counts, ledgers func() ledger.Total) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Name: "penstock_cloud_mqtt_connections", Help: "MQTT clients connected now."},
		func() float64 { return float64(connections()) }))
	for name, c := range map[string]struct {
		help string
		of   func(ingest.Counts) uint64
	}{
		"stored_blocks_total":   {"Blocks stored.", func(c ingest.Counts) uint64 { return c.Blocks }},
		"stored_messages_total": {"JSON messages stored.", func(c ingest.Counts) uint64 { return c.Messages }},
		"stored_samples_total":  {"Samples stored.", func(c ingest.Counts) uint64 { return c.Samples }},
		"repeats_total":         {"Blocks that came again and changed nothing.", func(c ingest.Counts) uint64 { return c.Repeats }},
		"refused_total":         {"Messages that were not what their topic promises.", func(c ingest.Counts) uint64 { return c.Refused }},
		"failed_total":          {"Messages that could not be stored; they come again.", func(c ingest.Counts) uint64 { return c.Failed }},
		"live_coalesced_total":  {"Live samples that a newer one replaced before a watcher saw them.", func(c ingest.Counts) uint64 { return c.Coalesced }},
		"live_dropped_total":    {"Live samples for which a watcher had no room.", func(c ingest.Counts) uint64 { return c.Dropped }},
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "penstock_cloud_" + name, Help: c.help},
			func() float64 { return float64(c.of(counts())) }))
	}
	m.watchLedgers(ledgers)
}

// watchStore adds how often the store syncs: beside the blocks stored it shows how many share a transaction.
func (m *metrics) watchStore(commits func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "penstock_cloud_store_commits_total", Help: "Transactions of the store, of one sync to disk each."},
		func() float64 { return float64(commits()) }))
}

// watchLedgers adds the sums of all ledgers. They may go down: what was missing comes, and a gateway may be removed.
func (m *metrics) watchLedgers(total func() ledger.Total) {
	for name, g := range map[string]struct {
		help string
		of   func(ledger.Total) float64
	}{
		"waiting_blocks":    {"Blocks that are not here yet, and wait in gateways' buffers.", func(t ledger.Total) float64 { return float64(t.Waiting) }},
		"undeclared_blocks": {"Blocks that are not here, and neither waiting nor declared lost.", func(t ledger.Total) float64 { return float64(t.Undeclared) }},
		"lost_blocks":       {"Blocks that gateways declared lost.", func(t ledger.Total) float64 { return float64(t.LostBlocks) }},
		"lost_samples":      {"Samples in these blocks.", func(t ledger.Total) float64 { return float64(t.LostSamples) }},
		"thinned_samples":   {"Samples that gateways took out of blocks to have room.", func(t ledger.Total) float64 { return float64(t.Thinned) }},
		"given_up_samples":  {"Samples that gateways gave up before they were in a block.", func(t ledger.Total) float64 { return float64(t.GivenUp) }},
		"overdue_gateways":  {"Gateways with blocks that have been undeclared for more than a minute.", func(t ledger.Total) float64 { return float64(t.Overdue) }},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "penstock_cloud_ledger_" + name, Help: g.help},
			func() float64 { return g.of(total()) }))
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}
