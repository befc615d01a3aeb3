package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
)

// serveEnv makes the test binary the devices of a benchmark, so that what it counts is the gateway alone.
const serveEnv = "PENSTOCK_TEST_SERVE_DEVICES"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		serveDevices()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serveDevices serves one simulated device to all who connect, until standard input ends.
func serveDevices() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ln.Addr())
	sim := modbussim.New(slog.New(slog.DiscardHandler))
	sim.Add(1, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	_ = sim.ServeTCP(ctx, ln)
}

func devicesInAnotherProcess(b *testing.B) (address string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"=1")
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

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkModbusTCP reads 100 devices of 100 registers as fast as it goes, through poll, flow and buffer; an operation is a second of that.
func BenchmarkModbusTCP(b *testing.B) {
	address := devicesInAnotherProcess(b)
	for _, c := range []struct{ name, keys string }{
		{"changes kept", ", deadband: 1"}, {"every sample kept", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			var text strings.Builder
			dir := b.TempDir()
			fmt.Fprintf(&text, "version: 1\nstate: %s\nscan: {normal: 1ms}\nlocal: {web: 127.0.0.1:0}\nconnections:\n", dir)
			for i := range 100 {
				fmt.Fprintf(&text, "  plc%d: {modbus: tcp, address: %q, timeout: 2s}\n", i, address)
			}
			text.WriteString("devices:\n")
			for i := range 100 {
				fmt.Fprintf(&text, "  - name: d%d\n    connection: plc%d\n    points:\n", i, i)
				for n := range 100 {
					fmt.Fprintf(&text, "      p%d: {at: hr:%d, scale: 0.1%s}\n", n, n, c.keys)
				}
			}
			s := &site{t: b, dir: dir}
			s.configure(text.String())
			g, _, stop := s.run()
			until(b, "readings of all", func() bool { return g.Status().SamplesRead > 100_000 })
			before, read := cpuTime(b), g.Status().SamplesRead
			b.ResetTimer()
			for b.Loop() {
				time.Sleep(time.Second)
			}
			used := cpuTime(b) - before
			status := g.Status()
			b.ReportMetric(float64(status.SamplesRead-read)/used.Seconds(), "registers/cpu-s")
			b.ReportMetric(float64(status.SamplesRead-read)/b.Elapsed().Seconds(), "registers/s")
			b.StopTimer()
			stop()
		})
	}
}
