package cmd_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
	"github.com/penstock-edge/penstock/adapters/modbus/modbussim"
)

// drive is a Modbus device with a speed that may be set, in hr:0, and a switch in co:0. It counts what it was told.
type drive struct {
	address string
	unit    *modbussim.Unit

	mu     sync.Mutex
	writes int
}

func newDrive(t testing.TB) *drive {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plant := modbussim.New(slog.New(slog.DiscardHandler))
	d := &drive{address: l.Addr().String(), unit: plant.Add(1, 10)}
	d.unit.Garble(d.count)
	ctx, stop := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = plant.ServeTCP(ctx, l) }) // a client that was killed is no error here
	t.Cleanup(func() { stop(); serving.Wait() })
	return d
}

// count looks at each request; those above function 4 write (Modbus Application Protocol 1.1b3, section 6).
func (d *drive) count(request, response []byte) []byte {
	if len(request) > 0 && request[0] > 4 {
		d.mu.Lock()
		d.writes++
		d.mu.Unlock()
	}
	return response
}

// told is how often the drive was written to.
func (d *drive) told() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writes
}

func (d *drive) speed(t testing.TB) uint16 {
	t.Helper()
	cells, err := d.unit.Cells(modbus.Address{Table: modbus.Holding, Number: 0}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return cells[0]
}

// newDriveSite is a site with a drive whose speed a shadow may set and whose switch a command may.
func newDriveSite(t testing.TB) (*site, *drive) {
	t.Helper()
	s, d := newSite(t), newDrive(t)
	s.configure(fmt.Sprintf(`scan: {normal: 100ms}
connections: {plc: {modbus: tcp, address: %q, timeout: 2s}}
devices:
  - name: drive
    connection: plc
    unit: 1
    points:
      speed: {at: hr:0, type: uint16, access: rw, range: 0..100, unit: "%%"}
      start: {at: co:0, access: rw, guard: {interlock: drive.speed > 0}}
`, d.address))
	s.edit(s.config(), "send: {every: 2s}", "send: {every: 2s}, shadow: [drive.speed], commands: [drive.start]")
	s.enroll()
	return s, d
}

// call asks the cloud over HTTPS as its administrator.
func (s *site) call(method, path, body string) (code int, answer string) {
	s.t.Helper()
	ca, err := os.ReadFile(s.made.CA)
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}, Timeout: 20 * time.Second}
	req, err := http.NewRequest(method, s.made.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.made.Token)
	res, err := client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// shadow is what the cloud holds of the drive.
type driveShadow struct {
	State struct {
		Desired, Reported, Delta map[string]any
	}
	Version uint64
}

func (s *site) shadow() (sh driveShadow) {
	s.t.Helper()
	code, text := s.call("GET", "/things/plant7:drive/shadow", "")
	if code == http.StatusNotFound {
		return sh
	}
	if err := json.Unmarshal([]byte(text), &sh); code != 200 || err != nil {
		s.t.Fatalf("the shadow: %d %s", code, text)
	}
	return sh
}

func (s *site) desire(speed int) {
	s.t.Helper()
	if code, text := s.call("POST", "/things/plant7:drive/shadow", fmt.Sprintf(`{"state":{"desired":{"speed":%d}}}`, speed)); code != 200 {
		s.t.Fatalf("desire %d: %d %s", speed, code, text)
	}
}

// TestPR2_ASetpointForAMachineThatIsAway: a person sets a value while the gateway is away; when it is back the value is written once, read back
// and reported, the difference is gone, and both audit logs name the person.
func TestPR2_ASetpointForAMachineThatIsAway(t *testing.T) {
	t.Parallel()
	s, d := newDriveSite(t)
	s.startGateway()
	until(t, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == 0.0 })
	s.gateway.stop()

	s.desire(55)
	if got := s.shadow().State.Delta["speed"]; got != 55.0 {
		t.Fatalf("the difference is %v, want 55", got)
	}
	s.startGateway()
	until(t, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == 55.0 })
	if got := s.shadow(); len(got.State.Delta) > 0 || d.speed(t) != 55 || d.told() != 1 {
		t.Errorf("afterwards the shadow is %+v, the register %d, written %d times", got, d.speed(t), d.told())
	}
	if _, audit := s.call("GET", "/api/v1/audit", ""); !strings.Contains(audit, `"who":"admin"`) || !strings.Contains(audit, "plant7:drive") {
		t.Errorf("the cloud's audit log does not name who it was: %s", audit)
	}
	if r := command(t, nil, "penstock", "audit", "-c", s.config(), "-o", "json"); r.code != 0 || !strings.Contains(r.stdout, "drive.speed") || !strings.Contains(r.stdout, `"outcome":"done"`) {
		t.Errorf("the gateway's audit log: %d %s %s", r.code, r.stdout, r.stderr)
	}
}

// TestASetpointSurvivesKills: whatever is killed when, each value that was set is written once at most, and the last one arrives.
func TestASetpointSurvivesKills(t *testing.T) {
	t.Parallel()
	s, d := newDriveSite(t)
	s.startGateway()
	until(t, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == 0.0 })
	const rounds = 6
	for i := range rounds {
		s.desire(10 + i)
		time.Sleep(time.Duration(i) * 17 * time.Millisecond) // anywhere between the order and its report
		s.gateway.kill()
		if i%2 == 1 {
			s.cloud.kill()
			s.startCloud()
		}
		s.startGateway()
		want := 10 + i
		until(t, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == float64(want) })
	}
	if got := s.shadow(); len(got.State.Delta) > 0 || d.told() > rounds || d.speed(t) != 10+rounds-1 {
		t.Errorf("after %d values the register was written %d times and holds %d; the shadow is %+v", rounds, d.told(), d.speed(t), got)
	}
}

// TestWhatMayNotBeWrittenIsRefused: out of range, not listed, locked by an interlock, expired; the register stays, and the reason is said.
func TestWhatMayNotBeWrittenIsRefused(t *testing.T) {
	t.Parallel()
	s, d := newDriveSite(t)
	s.startGateway()
	until(t, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == 0.0 })
	s.desire(500)
	until(t, 30*time.Second, "the refusal is reported", func() bool {
		text, _ := json.Marshal(s.shadow().State.Reported)
		return strings.Contains(string(text), "OUT_OF_RANGE")
	})
	for what, c := range map[string]struct{ point, body, says string }{
		"an interlock": {"drive.start", `{"value":true}`, "INTERLOCK"},
		"not listed":   {"drive.speed", `{"value":5}`, "NOT_LISTED"},
	} {
		if code, text := s.call("POST", "/api/v1/gateways/plant7/points/"+c.point+"/write?wait=10s", c.body); !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s", what, code, text)
		}
	}
	if d.told() > 0 {
		t.Errorf("the drive was written to %d times", d.told())
	}
	s.desire(20)
	until(t, 30*time.Second, "the speed is reported", func() bool { return s.shadow().State.Reported["speed"] == 20.0 })
	if code, text := s.call("POST", "/api/v1/gateways/plant7/points/drive.start/write?wait=10s", `{"value":true}`); !strings.Contains(text, "SUCCEEDED") {
		t.Errorf("a command that is allowed: %d %s", code, text)
	}
}
