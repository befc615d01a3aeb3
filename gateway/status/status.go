package status

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Status is the whole gateway at a glance: what `penstock status -o json` prints.
type Status struct {
	Gateway     string       `json:"gateway"`
	Site        string       `json:"site,omitempty"`
	Version     string       `json:"version"`
	UptimeS     int64        `json:"uptime_s"`
	Starts      uint64       `json:"starts"`
	SamplesRead uint64       `json:"samples_read"`
	SamplesKept uint64       `json:"samples_kept"`
	Clock       Clock        `json:"clock"`
	Buffer      Buffer       `json:"buffer"`
	Targets     []Target     `json:"targets"`
	Connections []Connection `json:"connections"`
	Alarms      int          `json:"alarms"` // that are not normal and not hidden
	Rules       []Rule       `json:"rules"`
}

// Buffer is what waits on disk.
type Buffer struct {
	Records uint64            `json:"records"`
	Samples uint64            `json:"samples"` // sealed and journalled, not yet stored by the cloud
	Bytes   uint64            `json:"bytes"`
	Unsaved uint64            `json:"unsaved"` // kept and not on disk yet: what a power cut would take now
	Oldest  *time.Time        `json:"oldest"`
	Dropped map[string]uint64 `json:"dropped"` // samples given up, by reason
}

// Target is one cloud.
type Target struct {
	Name           string `json:"name"`
	URL            string `json:"url"`
	Connected      bool   `json:"connected"`
	Why            string `json:"why,omitempty"`
	SentSamples    uint64 `json:"sent_samples"`
	AckedSeq       uint64 `json:"acked_seq"`
	WaitingBlocks  uint64 `json:"waiting_blocks"`  // in the buffer for it
	WaitingSamples uint64 `json:"waiting_samples"` // in these

	Lost       []LedgerCount `json:"lost"`              // what it will never get
	Undeclared uint64        `json:"undeclared_blocks"` // of that, what it has not been told

	UndeclaredSamples uint64 `json:"undeclared_samples"`
}

// Connection is one wire or socket.
type Connection struct {
	Name      string  `json:"name"`
	Kind      string  `json:"kind"`
	State     string  `json:"state"`
	Why       string  `json:"why,omitempty"`
	RetryInS  int64   `json:"retry_in_s,omitempty"`
	Requests  uint64  `json:"requests"`
	Errors    uint64  `json:"errors"`
	Overruns  uint64  `json:"overruns"`
	Load      float64 `json:"load"`   // the part of the last minute that it was busy: 0 to 1
	BusyS     float64 `json:"busy_s"` // since the start
	LatencyMS Latency `json:"latency_ms"`
}

// Latency is how long the last readings took.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// Point is one point's latest state.
type Point struct {
	Point   string          `json:"point"`
	Value   telemetry.Value `json:"value"`
	Unit    string          `json:"unit,omitempty"`
	Label   string          `json:"label,omitempty"` // the value's name, of a point with an enum
	Quality string          `json:"quality"`
	Time    *time.Time      `json:"time"` // nil: nothing read yet
	Access  string          `json:"access"`
	At      string          `json:"at"`
}

// Write asks for a value to be written.
type Write struct {
	Point string `json:"-"`
	Value string `json:"value"` // as a person types it
	Who   string `json:"who"`
}

// Refusals that a Source's Write wraps, so that the API can answer with the right code.
var (
	ErrNoPoint = errors.New("no such point")
	ErrRefused = errors.New("write refused")
)

// Source is the gateway as this room sees it. It is called from many goroutines.
type Source interface {
	Status() Status
	Points() []Point
	// Write sets a point within its limits and returns what it reads afterwards.
	Write(ctx context.Context, w Write) (Point, error)
	Panel
	Log
	Account
	Explainer
	// Shadows is the local shadow service: /things/{thing}/shadow and /api/things/shadow/..., as AWS IoT has them.
	Shadows() http.Handler
}
