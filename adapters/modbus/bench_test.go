package modbus_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/sync/telemetry"
	lib "github.com/simonvetter/modbus"
)

// serveEnv makes the test binary a device, so that what a benchmark counts is the reading side alone.
const serveEnv = "PENSTOCK_TEST_SERVE_MODBUS"

func serveForBenchmark() {
	if os.Getenv(serveEnv) == "" {
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ln.Addr())
	sim := modbussim.New(quiet())
	sim.Add(1, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		cancel()
	}()
	_ = sim.ServeTCP(ctx, ln)
	os.Exit(0)
}

func deviceInAnotherProcess(b *testing.B) (address string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// perCPUSecond runs the loop and reports registers per CPU second, and what 100 devices of 100 registers a second cost.
func perCPUSecond(b *testing.B, once func()) {
	once()
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		once()
	}
	used := cpu(b) - before
	b.ReportMetric(float64(b.N)*100/used.Seconds(), "registers/cpu-s")
	b.ReportMetric(100*100*used.Seconds()/float64(b.N), "%core@100x100/s")
}

// BenchmarkRead100Registers reads and decodes 100 points, beside another client that reads the same registers undecoded.
func BenchmarkRead100Registers(b *testing.B) {
	address := deviceInAnotherProcess(b)
	b.Run("penstock", func(b *testing.B) {
		c := &modbus.Connection{Modbus: modbus.TCP, Address: address, Timeout: time.Second}
		d := device(c, 1)
		var specs []*modbus.Point
		for i := range 100 {
			specs = append(specs, spec(b, d, fmt.Sprintf("hr:%d", i), scaled(0.1, 0)))
		}
		r := prepare(b, open(b, c), points(specs...))
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // one for many readings, as poll has it
		defer cancel()
		perCPUSecond(b, func() {
			if err := r.Read(ctx, func([]telemetry.Sample) {}); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("simonvetter", func(b *testing.B) {
		c, err := lib.NewClient(&lib.ClientConfiguration{URL: "tcp://" + address, Timeout: time.Second, Logger: log.New(io.Discard, "", 0)})
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Open(); err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		perCPUSecond(b, func() {
			if _, err := c.ReadRegisters(0, 100, lib.HOLDING_REGISTER); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkLine reads ten registers over a line with the character times of 19200 8E1, beside what the standard's times allow: eight characters
// there, twenty-five back, and three and a half of silence after each.
func BenchmarkLine(b *testing.B) {
	const character = 11 * time.Second / 19200
	line, err := modbussim.OpenLine()
	if err != nil {
		b.Fatal(err)
	}
	line.Character = character
	sim := modbussim.New(quiet())
	sim.Add(1, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = sim.ServeLine(ctx, line) }()
	b.Cleanup(func() { cancel(); <-done })
	c := &modbus.Connection{Modbus: modbus.RTU, Port: line.Path, Timeout: time.Second}
	var specs []*modbus.Point
	for i := range 10 {
		specs = append(specs, spec(b, device(c, 1), fmt.Sprintf("hr:%d", i)))
	}
	r := prepare(b, open(b, c), points(specs...))
	start := time.Now()
	for b.Loop() {
		if _, err := read(b, r, len(specs)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(100*float64(b.N)*(40*character).Seconds()/time.Since(start).Seconds(), "%of-theory")
}
