package modbus_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// plant is a simulator behind one of the wires, which can be cut and restored.
type plant struct {
	t       testing.TB
	sim     *modbussim.Server
	mode    modbus.Mode
	where   string // host:port, or the path that leads to the line
	timeout time.Duration
	pki     *pki // of tls

	stop   context.CancelFunc
	served sync.WaitGroup
}

var modes = []modbus.Mode{modbus.TCP, modbus.RTU, modbus.RTUOverTCP, modbus.RTUOverUDP, modbus.TLS}

// newPlant starts a plant without units.
func newPlant(t testing.TB, mode modbus.Mode) *plant {
	p := &plant{t: t, sim: modbussim.New(quiet()), mode: mode, where: "127.0.0.1:0", timeout: 100 * time.Millisecond}
	if mode == modbus.RTU {
		p.where = filepath.Join(t.TempDir(), "line")
	}
	if mode == modbus.TLS {
		p.pki = newPKI(t)
	}
	p.restore()
	t.Cleanup(p.cut)
	return p
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (p *plant) restore() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = cancel
	switch p.mode {
	case modbus.RTU:
		p.restoreLine(ctx)
		return
	case modbus.RTUOverUDP:
		p.restoreUDP(ctx)
		return
	}
	ln, err := net.Listen("tcp", p.where)
	if err != nil {
		p.t.Fatal(err)
	}
	p.where = ln.Addr().String()
	serve := p.sim.ServeTCP
	switch p.mode {
	case modbus.RTUOverTCP:
		serve = p.sim.ServeRTUOverTCP
	case modbus.TLS:
		ln = tls.NewListener(ln, p.pki.device())
	}
	p.served.Go(func() { _ = serve(ctx, ln) })
}

func (p *plant) restoreUDP(ctx context.Context) {
	conn, err := net.ListenPacket("udp", p.where)
	if err != nil {
		p.t.Fatal(err)
	}
	p.where = conn.LocalAddr().String()
	p.served.Go(func() { _ = p.sim.ServeRTUOverUDP(ctx, conn) })
}

func (p *plant) restoreLine(ctx context.Context) {
	line, err := modbussim.OpenLine()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.Symlink(line.Path, p.where); err != nil {
		p.t.Fatal(err)
	}
	p.served.Go(func() { _ = p.sim.ServeLine(ctx, line) })
}

// cut leaves nobody at the other end.
func (p *plant) cut() {
	p.stop()
	p.served.Wait()
	if err := os.Remove(p.where); p.mode == modbus.RTU && err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.t.Error(err)
	}
}

func (p *plant) connection() *modbus.Connection {
	c := modbus.Kind().New().(*modbus.Connection)
	c.Modbus, c.Timeout = p.mode, p.timeout
	if p.mode == modbus.RTU {
		c.Port, c.Line = p.where, modbus.Line{Baud: 115200, Data: 8, Parity: 'N', Stop: 1}
	} else {
		c.Address = p.where
	}
	if p.pki != nil {
		c.Cert, c.Key, c.CA = p.pki.file("client.crt"), p.pki.file("client.key"), p.pki.file("ca.crt")
	}
	return c
}

func (p *plant) open() adapters.Adapter {
	p.t.Helper()
	return open(p.t, p.connection())
}

func open(t testing.TB, c *modbus.Connection) adapters.Adapter {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	a, err := c.Open(ctx, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// device is a unit on a connection of its own settings; change may set more.
func device(c *modbus.Connection, unit int, change ...func(*modbus.Device)) *modbus.Device {
	d := c.NewDevice().(*modbus.Device)
	d.Unit = unit
	for _, f := range change {
		f(d)
	}
	return d
}

// spec is a point at an address; change may set more.
func spec(t testing.TB, d *modbus.Device, at string, change ...func(*modbus.Point)) *modbus.Point {
	t.Helper()
	p := d.NewPoint().(*modbus.Point)
	if err := p.At.UnmarshalText([]byte(at)); err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(p)
	}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

func typed(kind modbus.Type) func(*modbus.Point) {
	return func(p *modbus.Point) { p.Type = kind }
}

func text(length int) func(*modbus.Point) {
	return func(p *modbus.Point) { p.Type, p.Length = modbus.Text, length }
}

// points numbers specs from 0.
func points(specs ...*modbus.Point) (all []adapters.Point) {
	for i, s := range specs {
		all = append(all, adapters.Point{ID: telemetry.PointID(i), Device: "press", Name: s.String(), Spec: s})
	}
	return all
}

func prepare(t testing.TB, a adapters.Adapter, all []adapters.Point) adapters.Reader {
	t.Helper()
	r, err := a.Prepare(all)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read gives the samples of one reading by their points, in order.
func read(t testing.TB, r adapters.Reader, n int) ([]telemetry.Sample, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	got := make([]telemetry.Sample, n)
	emitted := 0
	err := r.Read(ctx, func(some []telemetry.Sample) {
		for _, s := range some {
			got[s.Point] = s
			emitted++
		}
	})
	if emitted != n {
		t.Errorf("%d samples for %d points", emitted, n)
	}
	return got, err
}

func put(t testing.TB, b *modbussim.Unit, at string, cells ...uint16) {
	t.Helper()
	a, err := modbus.ParseAddress(at)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(a, cells...); err != nil {
		t.Fatal(err)
	}
}
