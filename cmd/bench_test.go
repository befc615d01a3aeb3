package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	smodbus "github.com/simonvetter/modbus"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/cloud/server"
)

// The site of the benchmark: so many Modbus TCP devices of so many registers, each read once a second.
const (
	benchDevices   = 100
	benchRegisters = 100
)

// BenchmarkGateway10000Points runs the real gateway as a process of its own against simulated devices and a cloud on the same machine
// and prints what it costs: per cent of one core and resident memory. Beside it, in the same run, stands the bare
// loop that reads the same registers with the same library and throws them away.
//
//	go test -run xxx -bench Gateway10000 -benchtime 1x ./cmd
func BenchmarkGateway10000Points(b *testing.B) {
	if os.Getenv("PENSTOCK_BARE_LOOP") != "" {
		bareLoop(strings.Fields(os.Getenv("PENSTOCK_BARE_LOOP")))
		return
	}
	addresses := benchPlant(b)
	b.Run("penstock", func(b *testing.B) {
		gateway, status := benchGateway(b, func(dir, mqtt, web string) string { return benchConfig(addresses, dir, mqtt, web) })
		benchStatus(b, status) // it serves
		time.Sleep(settle)
		before := benchStatus(b, status)
		cpu, rss := observe(b, gateway.Process.Pid)
		after := benchStatus(b, status)
		b.ReportMetric(cpu, "%core")
		b.ReportMetric(rss, "MiB-RSS")
		b.ReportMetric(float64(after.SamplesKept-before.SamplesKept)/observeFor.Seconds(), "samples/s")
		b.ReportMetric(float64(after.Buffer.Samples), "waiting")
	})
	b.Run("bare-loop", func(b *testing.B) {
		loop := exec.Command(os.Args[0], "-test.run", "xxx", "-test.bench", "Gateway10000", "-test.benchtime", "1x")
		loop.Env = append(os.Environ(), "PENSTOCK_BARE_LOOP="+strings.Join(addresses, " "))
		run(b, loop)
		time.Sleep(settle)
		cpu, rss := observe(b, loop.Process.Pid)
		b.ReportMetric(cpu, "%core")
		b.ReportMetric(rss, "MiB-RSS")
	})
}

const (
	settle     = 10 * time.Second // until buffers have their size
	observeFor = 20 * time.Second
)

// observe measures a process from outside, by the kernel's own account.
func observe(b *testing.B, pid int) (cpuPercent, rssMiB float64) {
	b.Helper()
	before, began := cpuOf(b, pid), time.Now()
	time.Sleep(observeFor)
	used := cpuOf(b, pid) - before
	return 100 * used.Seconds() / time.Since(began).Seconds(), rssOf(b, pid)
}

func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	var ticks time.Duration
	for _, f := range fields[11:13] { // utime and stime (proc(5)), in hundredths of a second
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond
}

func rssOf(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// benchPlant serves the devices: slow values with noise, of which about a third change from one second to the next.
func benchPlant(b *testing.B) (addresses []string) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := slog.New(slog.DiscardHandler)
	var units []*modbussim.Unit
	for range benchDevices {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		s := modbussim.New(log)
		units = append(units, s.Add(1, benchRegisters))
		go func() { _ = s.ServeTCP(ctx, l) }()
		addresses = append(addresses, l.Addr().String())
	}
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for n := 0; ctx.Err() == nil; n++ {
			moveBench(units, n)
			time.Sleep(200 * time.Millisecond)
		}
	}()
	b.Cleanup(func() { cancel(); <-moved })
	return addresses
}

// moveBench changes a fifteenth of the registers, five times a second.
func moveBench(units []*modbussim.Unit, n int) {
	for d, u := range units {
		for r := (n + d) % 15; r < benchRegisters; r += 15 {
			at := modbus.Address{Table: modbus.Holding, Number: uint16(r)}
			_ = u.Put(at, uint16(2000+(n/15*7+r*13+d)%97))
		}
	}
}

// benchGateway builds, enrols and starts the gateway beside a cloud, with the configuration that is made for its ports.
func benchGateway(b *testing.B, config func(dir, mqtt, web string) string) (gateway *exec.Cmd, statusURL string) {
	b.Helper()
	dir := b.TempDir()
	benchBuild(b, dir, "penstock", "penstock-cloud")
	mqtt, https, web := freePort(b), freePort(b), freePort(b)
	made := benchCloud(b, dir, mqtt, https)
	file := filepath.Join(dir, "gateway.yaml")
	text := config(dir, mqtt, web)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	invite := exec.Command(filepath.Join(dir, "penstock-cloud"), "invite", "bench")
	invite.Env = append(os.Environ(), "PENSTOCK_CLOUD_URL=https://localhost:"+https, "PENSTOCK_CLOUD_CA="+made.CA, "PENSTOCK_CLOUD_TOKEN="+made.AdminToken)
	token, err := invite.Output()
	if err != nil {
		b.Fatal(err)
	}
	enroll := exec.Command(filepath.Join(dir, "penstock"), "enroll", "https://localhost:"+https, "--token", strings.TrimSpace(string(token)), "-c", file)
	if out, err := enroll.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	gateway = exec.Command(filepath.Join(dir, "penstock"), "run", "-c", file)
	run(b, gateway)
	return gateway, "http://127.0.0.1:" + web
}

// benchBuild builds programs as they are shipped.
func benchBuild(b *testing.B, dir string, names ...string) {
	b.Helper()
	for _, name := range names {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), "./"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}

// benchCloud starts the cloud and waits until it answers.
func benchCloud(b *testing.B, dir, mqtt, https string) server.Installation {
	b.Helper()
	made, err := server.Init(filepath.Join(dir, "cloud"), nil)
	if err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(made.Config)
	if err != nil {
		b.Fatal(err)
	}
	changed := strings.NewReplacer("127.0.0.1:8883", "127.0.0.1:"+mqtt, "127.0.0.1:8443", "127.0.0.1:"+https).Replace(string(text))
	if err := os.WriteFile(made.Config, []byte(changed), 0o600); err != nil {
		b.Fatal(err)
	}
	run(b, exec.Command(filepath.Join(dir, "penstock-cloud"), "run", "-c", made.Config))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("tcp", "127.0.0.1:"+https)
		if err == nil {
			_ = c.Close()
			return made
		}
		if time.Now().After(deadline) {
			b.Fatal(err)
		}
	}
}

func benchConfig(addresses []string, dir, mqtt, web string) string {
	var y strings.Builder
	fmt.Fprintf(&y, "version: 1\ngateway: {id: bench}\nstate: %s/state\nconnections:\n", dir)
	for i, a := range addresses {
		fmt.Fprintf(&y, "  c%03d: {modbus: tcp, address: %q}\n", i, a)
	}
	y.WriteString("devices:\n")
	for i := range addresses {
		fmt.Fprintf(&y, "  - name: d%03d\n    connection: c%03d\n    unit: 1\n    points:\n", i, i)
		for r := range benchRegisters {
			fmt.Fprintf(&y, "      r%02d: {at: hr:%d, type: int16, scale: 0.1}\n", r, r)
		}
	}
	fmt.Fprintf(&y, "cloud:\n  - url: mqtts://localhost:%s\n    send: {every: 5s}\nlocal: {web: 127.0.0.1:%s}\n", mqtt, web)
	return y.String()
}

type benchReport struct {
	SamplesKept uint64 `json:"samples_kept"`
	Buffer      struct {
		Samples uint64 `json:"samples"`
	} `json:"buffer"`
}

func benchStatus(b *testing.B, url string) (s benchReport) {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		out, err := exec.Command("curl", "-sf", url+"/api/v1/status").Output()
		if err == nil && json.Unmarshal(out, &s) == nil {
			return s
		}
		if time.Now().After(deadline) {
			b.Fatalf("%s: %v", url, err)
		}
	}
}

func freePort(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// run starts a process and ends it with the benchmark.
func run(b *testing.B, cmd *exec.Cmd) {
	b.Helper()
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if b.Failed() {
			b.Logf("%s said:\n%s", cmd.Path, said.String())
		}
	})
}

// bareLoop is the rival: the same requests once a second, the answers thrown away.
func bareLoop(addresses []string) {
	for _, a := range addresses {
		go func() {
			c, err := smodbus.NewClient(&smodbus.ClientConfiguration{URL: "tcp://" + a, Timeout: time.Second})
			if err != nil {
				panic(err)
			}
			if err := c.Open(); err != nil {
				panic(err)
			}
			for range time.Tick(time.Second) {
				if _, err := c.ReadRegisters(0, benchRegisters, smodbus.HOLDING_REGISTER); err != nil {
					panic(err)
				}
			}
		}()
	}
	time.Sleep(settle + observeFor + 10*time.Second)
}
