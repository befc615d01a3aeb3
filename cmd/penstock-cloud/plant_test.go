//go:build interop

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"github.com/penstock-edge/penstock/sync/identity"
	"github.com/penstock-edge/penstock/sync/telemetry"
	"github.com/penstock-edge/penstock/sync/wire"
)

// enrol does what penstock enroll does: it takes up an invitation with a key of its own.
func (s *shell) enrol(gateway string) tls.Certificate {
	s.t.Helper()
	var invitation struct{ Token string }
	if err := json.Unmarshal([]byte(s.must("invite", gateway, "-o", "json")), &invitation); err != nil {
		s.t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		s.t.Fatal(err)
	}
	csr, err := identity.NewRequest(key, gateway)
	if err != nil {
		s.t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"token": invitation.Token, "csr": string(csr)}) // strings
	transport := &http.Transport{TLSClientConfig: identity.ClientTLS(nil, s.ca(), "localhost")}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport}).Post(os.Getenv("PENSTOCK_CLOUD_URL")+"/api/v1/enroll", "application/json", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Certificate string }
	if err := json.NewDecoder(res.Body).Decode(&answer); res.StatusCode != http.StatusOK || err != nil {
		s.t.Fatalf("enrol %s: %s %v", gateway, res.Status, err)
	}
	cert, err := identity.ParseCertificate([]byte(answer.Certificate))
	if err != nil {
		s.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// issue makes a thing that connects by itself.
func (s *shell) issue(thing string) tls.Certificate {
	s.t.Helper()
	s.must("issue", thing, "--out", s.dir)
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.dir, thing+".crt"), filepath.Join(s.dir, thing+".key"))
	if err != nil {
		s.t.Fatal(err)
	}
	return pair
}

func (s *shell) ca() *x509.Certificate {
	s.t.Helper()
	ca, err := identity.LoadCertificate(os.Getenv("PENSTOCK_CLOUD_CA"))
	if err != nil {
		s.t.Fatal(err)
	}
	return ca
}

// link is a client's connection.
type link struct {
	s     *shell
	thing string
	seq   int
	*paho.Client
	close func()
}

func (s *shell) connect(thing string, pair tls.Certificate) *link {
	s.t.Helper()
	conn, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", s.mqtt.Port()), identity.ClientTLS([]tls.Certificate{pair}, s.ca(), "localhost"))
	if err != nil {
		s.t.Fatal(err)
	}
	l := &link{s: s, thing: thing, Client: paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(conn)})}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := l.Connect(ctx, &paho.Connect{ClientID: thing, KeepAlive: 30, CleanStart: true}); err != nil {
		s.t.Fatal(err)
	}
	l.close = sync.OnceFunc(func() { _ = conn.Close(); <-l.Done() })
	s.t.Cleanup(l.close)
	return l
}

func (s *shell) gateway(name string, devices ...wire.BirthDevice) *link {
	s.t.Helper()
	l := s.connect(name, s.enrol(name))
	birth, err := wire.EncodeBirth(wire.Birth{Gateway: name, Version: "0.1.0", Site: "Plant 7, hall B", Started: time.Now().Add(-26 * time.Hour), Devices: devices})
	if err != nil {
		s.t.Fatal(err)
	}
	l.publish("birth", birth)
	return l
}

func (l *link) publish(what string, payload []byte, user ...paho.UserProperty) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := l.Publish(ctx, &paho.Publish{Topic: "dt/" + l.thing + "/" + what, QoS: 1, Payload: payload, Properties: &paho.PublishProperties{User: user}})
	if err != nil {
		l.s.t.Errorf("publish %s of %s: %v", what, l.thing, err)
	}
}

// block publishes samples as a gateway's next block.
func (l *link) block(names []string, samples []telemetry.Sample) {
	text, err := wire.NewEncoder(wire.Fastest).AppendBlock(nil, names, samples)
	if err != nil {
		l.s.t.Error(err)
		return
	}
	l.seq++
	l.publish("block", text, paho.UserProperty{Key: wire.PropEpoch, Value: "E1"}, paho.UserProperty{Key: wire.PropSeq, Value: fmt.Sprint(l.seq)})
}

// evil is a text that would leave a mark in a page that took it for HTML.
const evil = `<img src=x onerror="document.body.id='hacked'">`

// plant are the points of plant7, in the order of its blocks.
var plant = []string{"press.oil_temp", "press.force", "press.state", "press.running", "press.recipe", "scale.weight",
	"meter_01.total_active_energy_import_of_the_main_feeder_in_hall_B_since_the_last_reset"}

func plantDevices() []wire.BirthDevice {
	return []wire.BirthDevice{
		{Name: "press", Connection: "press_plc", Kind: "modbus", Tags: map[string]string{"area": "hall-B", "note": evil}, Points: []wire.BirthPoint{
			{Name: "oil_temp", Unit: "°C", Type: "int16", ScanMS: 1000, Where: "hr:100", Range: &wire.BirthRange{Min: -20, Max: 85}},
			{Name: "force", Unit: "kN", Type: "float32", ScanMS: 1000, Where: "hr:102"},
			{Name: "state", Type: "uint16", ScanMS: 1000, Where: "hr:120", Enum: map[int64]string{0: "stopped", 1: "setup", 2: "running", 9: "fault"}},
			{Name: "running", Type: "bool", ScanMS: 1000, Where: "di:0"},
			{Name: "recipe", Type: "string", ScanMS: 1000, Where: "hr:200"}}},
		{Name: "scale", Connection: "truck_scale_port", Kind: "serial", Points: []wire.BirthPoint{{Name: "weight", Unit: "kg", Type: "float64", Where: "gross"}}},
		{Name: "meter_01", Connection: "meterbus", Kind: "modbus", Points: []wire.BirthPoint{{Name: plant[6][9:], Unit: "kWh", Type: "uint64", ScanMS: 1000}}},
	}
}

// reading is what the plant measures at a time: temperatures drift, the machine changes its state, the scale drops out.
func reading(point int, at time.Time) telemetry.Sample {
	s := telemetry.Sample{Point: telemetry.PointID(point), Time: at.UnixNano()}
	t := float64(at.Unix())
	phase := (at.Unix() / 40) % 7
	switch point {
	case 0:
		s.Value = telemetry.Float64(math.Round(10*(70+12*math.Sin(t/2400)+1.5*math.Sin(t/37)+0.6*math.Sin(t*1.7))) / 10)
	case 1:
		s.Value = telemetry.Float64(float64(float32(1200 + 900*math.Abs(math.Sin(t/5)))))
	case 2:
		s.Value = telemetry.Uint64([]uint64{2, 2, 2, 0, 1, 2, 2}[phase])
	case 3:
		s.Value = telemetry.Bool(phase != 3 && phase != 4)
	case 4:
		s.Value = telemetry.String(fmt.Sprintf("A-%d", 100+at.Unix()/3%20))
		if at.Unix()%30 < 3 {
			s.Value = telemetry.String(evil)
		}
	case 5:
		s.Value = telemetry.Float64(12_500 + 40*math.Sin(t/60))
		if at.Unix()%240 < 90 {
			s.Value, s.Quality = telemetry.Value{}, telemetry.BadTimeout
		}
	case 6:
		s.Value = telemetry.Uint64(9_007_199_254_740_993 + uint64(at.Unix()))
	}
	return s
}

// between are the plant's samples of a stretch of time.
func between(from, to time.Time, step time.Duration) []telemetry.Sample {
	var list []telemetry.Sample
	for at := from; at.Before(to); at = at.Add(step) {
		for i := range plant {
			list = append(list, reading(i, at))
		}
	}
	return list
}

// feed fills the fleet: plant7 with six hours behind it, a gap in them, and a sample of each point every half second until stop;
// one gateway that went down, one with many points, one that never came; and a thing of its own.
func (s *shell) feed() (stop func()) {
	s.t.Helper()
	l := s.gateway("plant7", plantDevices()...)
	now := time.Now().Truncate(time.Second)
	gap := now.Add(-100 * time.Minute)
	l.block(plant, between(now.Add(-6*time.Hour), gap.Add(-9*time.Minute), 4*time.Second))
	l.block(plant, between(gap, now, 2*time.Second))
	s.enrol("plant9-boiler")
	s.many()
	harbour := s.gateway("harbour-crane-4", wire.BirthDevice{Name: "crane", Connection: "plc", Kind: "opcua"})
	harbour.close()
	thermo := s.connect("thermo1", s.issue("thermo1"))

	ctx, cancel := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	feeding.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case at := <-tick.C:
				l.block(plant, between(at, at.Add(1), time.Second))
				thermo.publish("telemetry", fmt.Appendf(nil, `{"temperature": %.2f, "door": %t, "note": %s}`, 21+math.Sin(float64(at.UnixMilli())/1000), at.Unix()%20 < 10, quoted(evil)))
			}
		}
	})
	stop = sync.OnceFunc(func() { cancel(); feeding.Wait(); l.close() })
	s.t.Cleanup(stop)
	return stop
}

// many is a gateway with 500 points.
func (s *shell) many() {
	s.t.Helper()
	var devices []wire.BirthDevice
	var names []string
	var samples []telemetry.Sample
	for i := range 10 {
		d := wire.BirthDevice{Name: fmt.Sprintf("meter_%02d", i), Connection: "meterbus", Kind: "modbus"}
		for k := range 50 {
			p := wire.BirthPoint{Name: fmt.Sprintf("%s_%02d", strings.Repeat("voltage_", k%4+1), k), Unit: "V", Type: "float32", ScanMS: 1000, Where: fmt.Sprintf("ir:%d", 2*k)}
			d.Points = append(d.Points, p)
			names = append(names, d.Name+"."+p.Name)
			samples = append(samples, telemetry.Sample{Point: telemetry.PointID(len(names) - 1), Time: time.Now().UnixNano(), Value: telemetry.Float64(230 + float64(k)/10)})
		}
		devices = append(devices, d)
	}
	s.gateway("north-substation", devices...).block(names, samples)
}
