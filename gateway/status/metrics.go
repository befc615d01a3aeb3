package status

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// collector turns one Status into metrics at the moment it is asked: there is no second set of counters to keep in step.
type collector struct{ source Source }

var (
	samplesRead   = desc("samples_read_total", "Samples read from equipment.")
	samplesKept   = desc("samples_kept_total", "Samples kept after deadband.")
	bufferRecords = desc("buffer_records", "Blocks on disk that the cloud has not stored yet.")
	bufferSamples = desc("buffer_samples", "Samples in these blocks.")
	bufferBytes   = desc("buffer_bytes", "Bytes of these blocks.")
	dropped       = desc("dropped_samples_total", "Samples given up, by reason.", "reason")
	connected     = desc("target_connected", "1 while the target is connected.", "target")
	sent          = desc("target_sent_samples_total", "Samples that the target has stored since the start.", "target")
	lostBlocks    = desc("ledger_blocks", "Blocks that the target will never get, or gets with fewer samples, by reason and class.", "target", "reason", "class")
	lostSamples   = desc("ledger_samples", "Samples in these blocks.", "target", "reason", "class")
	owedSamples   = desc("ledger_undeclared_samples", "Samples in the blocks that are lost, and of what never was in one, of which the target has not been told.", "target")
	undeclared    = desc("ledger_undeclared_blocks", "Of these blocks, those of which the target has not been told.", "target")
	waitBlocks    = desc("target_waiting_blocks", "Blocks in the buffer that the target has not stored yet.", "target")
	waitSamples   = desc("target_waiting_samples", "Samples in these blocks.", "target")
	up            = desc("connection_up", "1 while the connection is up; 0.5 when some of its devices keep silent.", "connection")
	requests      = desc("connection_requests_total", "Readings of a group of points.", "connection")
	failures      = desc("connection_errors_total", "Readings that failed.", "connection")
	clockSynced   = desc("clock_synchronised", "1 while a time service keeps the machine's clock right.")
	clockInDoubt  = desc("clock_in_doubt", "1 while samples are marked uncertain because nobody knows the time.")
	clockSteps    = desc("clock_steps_total", "How often the machine's clock was set since the start.")
	clockStep     = desc("clock_last_step_seconds", "By how much it was set the last time, forward or back.")
	alarms        = desc("alarms", "Alarms that are not normal and not hidden.")
	ruleFired     = desc("rule_fired_total", "How often a rule acted.", "rule")
	ruleErrors    = desc("rule_errors_total", "Evaluations and actions of a rule that failed.", "rule")
	load          = desc("connection_load_ratio", "The part of the last minute that the connection was busy.", "connection")
	busy          = desc("connection_busy_seconds_total", "Time that readings and writes took.", "connection")
	overruns      = desc("connection_overruns_total", "Scans left out because the one before took too long.", "connection")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("penstock_"+name, help, labels, nil)
}

func registry(source Source) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{source}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

func (c collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

func (c collector) Collect(ch chan<- prometheus.Metric) {
	s := c.source.Status()
	put := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	put(samplesRead, prometheus.CounterValue, float64(s.SamplesRead))
	put(samplesKept, prometheus.CounterValue, float64(s.SamplesKept))
	put(bufferRecords, prometheus.GaugeValue, float64(s.Buffer.Records))
	put(bufferSamples, prometheus.GaugeValue, float64(s.Buffer.Samples))
	put(bufferBytes, prometheus.GaugeValue, float64(s.Buffer.Bytes))
	for reason, n := range s.Buffer.Dropped {
		put(dropped, prometheus.CounterValue, float64(n), reason)
	}
	put(clockSynced, prometheus.GaugeValue, map[bool]float64{true: 1}[s.Clock.Synchronised])
	put(clockInDoubt, prometheus.GaugeValue, map[bool]float64{true: 1}[s.Clock.InDoubt])
	put(clockSteps, prometheus.CounterValue, float64(s.Clock.Steps))
	if s.Clock.LastStep != nil {
		put(clockStep, prometheus.GaugeValue, s.Clock.LastStep.ByS)
	}
	put(alarms, prometheus.GaugeValue, float64(s.Alarms))
	for _, r := range s.Rules {
		put(ruleFired, prometheus.CounterValue, float64(r.Fired), r.Name)
		put(ruleErrors, prometheus.CounterValue, float64(r.Errors), r.Name)
	}
	for _, t := range s.Targets {
		put(connected, prometheus.GaugeValue, map[bool]float64{true: 1}[t.Connected], t.Name)
		put(sent, prometheus.CounterValue, float64(t.SentSamples), t.Name)
		put(waitBlocks, prometheus.GaugeValue, float64(t.WaitingBlocks), t.Name)
		put(waitSamples, prometheus.GaugeValue, float64(t.WaitingSamples), t.Name)
		put(undeclared, prometheus.GaugeValue, float64(t.Undeclared), t.Name)
		put(owedSamples, prometheus.GaugeValue, float64(t.UndeclaredSamples), t.Name)
		for _, c := range t.Lost {
			put(lostBlocks, prometheus.GaugeValue, float64(c.Blocks), t.Name, c.Reason, c.Class)
			put(lostSamples, prometheus.GaugeValue, float64(c.Samples), t.Name, c.Reason, c.Class)
		}
	}
	for _, n := range s.Connections {
		put(up, prometheus.GaugeValue, map[string]float64{"up": 1, "degraded": 0.5}[n.State], n.Name)
		put(requests, prometheus.CounterValue, float64(n.Requests), n.Name)
		put(failures, prometheus.CounterValue, float64(n.Errors), n.Name)
		put(load, prometheus.GaugeValue, n.Load, n.Name)
		put(busy, prometheus.CounterValue, n.BusyS, n.Name)
		put(overruns, prometheus.CounterValue, float64(n.Overruns), n.Name)
	}
}
