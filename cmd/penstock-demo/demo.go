package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/penstock-edge/penstock/adapters/all"
	"github.com/penstock-edge/penstock/configs"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
)

//go:embed gateway.yaml.tmpl
var gatewayTemplate string

// demonstrate starts the plant, the cloud and the gateway, in this order, and stops them the other way round.
func demonstrate(ctx context.Context, s settings, say io.Writer, log *slog.Logger) (account, error) {
	began := time.Now()
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return account{}, err
	}
	plant, err := build(log)
	if err != nil {
		return account{}, fmt.Errorf("the simulated plant: %w", err)
	}
	outer, stopPlant := context.WithCancel(context.WithoutCancel(ctx))
	var equipment errgroup.Group
	defer func() { stopPlant(); _ = equipment.Wait() }()
	equipment.Go(func() error { return plant.run(outer) })

	c, err := startCloud(outer, filepath.Join(dir, "cloud"), log.With("in", "cloud"))
	if err != nil {
		return account{}, err
	}
	defer c.stop()
	cfg, err := configure(dir, plant, c)
	if err != nil {
		return account{}, err
	}
	plant.attach(cfg.Points)
	if err := c.enrol(ctx, cfg); err != nil {
		return account{}, err
	}
	a, err := operate(ctx, s, cfg, c, say, log.With("in", "gateway"), began)
	if err != nil {
		return account{}, err
	}
	return a, nil
}

// configure writes the gateway's file for the ports of this run and loads it as the gateway would.
func configure(dir string, p *plant, c *cloudServer) (*config.Config, error) {
	var text bytes.Buffer
	where := p.addresses()
	where["Dir"], where["MQTT"] = dir, c.at.MQTT
	if err := template.Must(template.New("gateway").Option("missingkey=error").Parse(gatewayTemplate)).Execute(&text, where); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "gateway.yaml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return load(path)
}

func load(path string) (*config.Config, error) {
	cfg, report := config.Loader{Kinds: all.Apart(all.Kinds()), Templates: configs.Templates}.Load(path)
	return cfg, report.Err()
}

// operate runs the gateway for the time that was asked for, drains it and draws up the account.
func operate(ctx context.Context, s settings, cfg *config.Config, c *cloudServer, say io.Writer, log *slog.Logger, began time.Time) (account, error) {
	if s.length > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.length)
		defer cancel()
	}
	before, err := c.tally(ctx, cfg)
	if err != nil {
		return account{}, err
	}
	g, err := gateway.Open(cfg, version, log)
	if err != nil {
		return account{}, err
	}
	before.once += g.Status().Buffer.Samples // what a crash left there comes on top
	first := make(chan time.Duration, 1)
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go func() { first <- c.firstSample(watching, began) }()
	err = g.Run(ctx, func(pages []string) { greet(say, cfg, c, pages, s) })
	if err != nil {
		return account{}, err
	}
	stopWatching()
	fmt.Fprintln(say, "Stopping: what the buffer still holds goes to the cloud.")
	if err := drain(cfg, log); err != nil {
		return account{}, err
	}
	a, err := c.account(cfg, g.Status().SamplesKept, before)
	a.FirstSampleMS = (<-first).Milliseconds()
	return a, err
}

// drain lets a gateway without equipment send what the first left in its buffer: the way any restart goes.
func drain(cfg *config.Config, log *slog.Logger) error {
	rest := *cfg
	rest.Connections, rest.Rules, rest.Local.Web = nil, nil, ""
	g, err := gateway.Open(&rest, version, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx, func([]string) {}) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for g.Status().Buffer.Records > 0 {
		select {
		case <-tick.C:
		case err := <-done:
			return errors.Join(err, errors.New("the buffer did not drain in 30 s"))
		}
	}
	cancel()
	return <-done
}

// greet says where everything is.
func greet(w io.Writer, cfg *config.Config, c *cloudServer, pages []string, s settings) {
	fmt.Fprintf(w, `A plant of %d devices and %d points is running.

  the cloud      %s        log in with the token
                 %s
  the gateway    %s        its own page, no login on this machine
  its files      %s

`, devices(cfg), len(cfg.Points), c.at.HTTPS, c.token, pages[len(pages)-1], filepath.Dir(cfg.Path))
	if s.length > 0 {
		fmt.Fprintf(w, "It ends by itself in %s.\n", s.length)
		return
	}
	fmt.Fprintln(w, "The browser will warn once: the certificate is of the demo's own CA. Ctrl-C ends it.")
}

func devices(cfg *config.Config) (n int) {
	n = len(cfg.Virtual)
	for _, c := range cfg.Connections {
		n += len(c.Devices)
	}
	return n
}
