package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// account is what the demo promises: everything that was kept is stored, once.
type account struct {
	Devices       int    `json:"devices"`
	Points        int    `json:"points"`
	SamplesKept   uint64 `json:"samples_kept"`
	SamplesStored uint64 `json:"samples_stored"`
	Lost          uint64 `json:"lost"`
	Duplicates    uint64 `json:"duplicates"`
	Gaps          int    `json:"gaps"`
	FirstSampleMS int64  `json:"first_sample_ms"` // from the start until the API showed a sample; -1: it never did
	URL           string `json:"url"`
}

func (a account) print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d devices, %d points: %d samples kept, %d stored; lost %d, duplicates %d, gaps in the ledger %d. First sample in the cloud after %d ms.\n",
		a.Devices, a.Points, a.SamplesKept, a.SamplesStored, a.Lost, a.Duplicates, a.Gaps, a.FirstSampleMS)
	return err
}

// tally is how many samples are stored, each counted once, and how many are there twice.
type tally struct{ once, twice uint64 }

// tally counts every stored sample of every point by reading it back.
func (c *cloudServer) tally(ctx context.Context, cfg *config.Config) (t tally, err error) {
	for _, p := range cfg.Points {
		stored, twice, err := c.count(ctx, cfg.Gateway.ID, p.FullName())
		if err != nil {
			return t, err
		}
		t.once += stored - twice
		t.twice += twice
	}
	return t, nil
}

// account holds what is stored against what the gateway kept in this run. before is what a folder of an earlier run brought along: in the
// cloud, or still in the buffer.
func (c *cloudServer) account(cfg *config.Config, kept uint64, before tally) (account, error) {
	a := account{Devices: devices(cfg), Points: len(cfg.Points), SamplesKept: kept, URL: c.at.HTTPS}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	now, err := c.tally(ctx, cfg)
	if err != nil {
		return a, err
	}
	a.SamplesStored, a.Duplicates = now.once-min(before.once, now.once), now.twice-min(before.twice, now.twice)
	var ledger cloud.Ledger
	if err := c.call(ctx, http.MethodGet, "/api/v1/ledger/"+cfg.Gateway.ID, nil, &ledger); err != nil {
		return a, err
	}
	for _, e := range ledger.Epochs {
		a.Gaps += len(e.Gaps)
	}
	if a.SamplesStored < kept {
		a.Lost = kept - a.SamplesStored
	}
	return a, nil
}

// count reads a point's samples page by page. A sample that says the same at the same time as the one before it is there twice.
func (c *cloudServer) count(ctx context.Context, gateway, point string) (stored, twice uint64, err error) {
	type sample struct {
		Time    time.Time `json:"time"`
		Value   any       `json:"value"`
		Quality string    `json:"quality"`
	}
	from, last := "", sample{}
	for {
		var page struct {
			Samples []sample   `json:"samples"`
			Next    *time.Time `json:"next"`
		}
		path := fmt.Sprintf("/api/v1/gateways/%s/points/%s/samples?from=%s", gateway, point, url.QueryEscape(from))
		if err := c.call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return 0, 0, err
		}
		for _, s := range page.Samples {
			stored++
			if s == last {
				twice++
			}
			last = s
		}
		if page.Next == nil {
			return stored, twice, nil
		}
		from = page.Next.Format(time.RFC3339Nano)
	}
}

// firstSample waits until the API shows a good sample and says how long that took since the start.
func (c *cloudServer) firstSample(ctx context.Context, began time.Time) time.Duration {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var latest struct {
			Points []struct {
				Quality string `json:"quality"`
			} `json:"points"`
		}
		if err := c.call(ctx, http.MethodGet, "/api/v1/gateways/demo/points", nil, &latest); err == nil {
			for _, p := range latest.Points {
				if p.Quality == telemetry.Good.String() {
					return time.Since(began)
				}
			}
		}
		select {
		case <-ctx.Done():
			return -time.Millisecond
		case <-tick.C:
		}
	}
}
