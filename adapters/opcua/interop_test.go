//go:build interop

package opcua_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

const peers = "testdata/peers"

// peer is a node-opcua server, written by nobody of this project (testdata/peers/server.js).
type peer struct {
	endpoint string
	folder   string
	pki      string
}

var (
	starting sync.Mutex
	pki      = func() string { return filepath.Join(scratch, "pki") }
)

// freshCertificate, in the environment of a server, has it make one of its own.
const freshCertificate = "FRESH=1"

func startPeer(t *testing.T) *peer {
	t.Helper()
	p, _ := startPeerAt(t, freePort(t), t.TempDir())
	return p
}

// startPeerAt starts it on a port, with an environment, until the test ends or the returned function is called.
func startPeerAt(t *testing.T, port int, folder string, env ...string) (*peer, func()) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(peers, "node_modules", "node-opcua")); err != nil {
		t.Fatal("node-opcua is missing: run make test, which installs it")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: run make test, which installs it")
	}
	starting.Lock() // the first of them makes the certificate
	defer starting.Unlock()
	p := &peer{folder: folder, pki: pki()}
	if slices.Contains(env, freshCertificate) {
		p.pki = filepath.Join(folder, "pki")
	}
	p.endpoint = fmt.Sprintf("opc.tcp://127.0.0.1:%d", port)
	cmd := exec.Command(node, "server.js", fmt.Sprint(port), p.folder)
	cmd.Dir, cmd.Env = peers, append(append(os.Environ(), "PKI="+p.pki), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("node-opcua said: %s", stderr.String())
		}
	})
	t.Cleanup(stop)
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "ready") {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(time.Minute):
		t.Fatalf("node-opcua is not ready after a minute: %s", stderr.String())
	}
	return p, stop
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// plain is a connection without encryption, as node-opcua's clients get it only when they ask for it.
func (p *peer) plain() *opcua.Connection {
	c := opcua.Kind().New().(*opcua.Connection)
	c.URL, c.Security, c.Insecure, c.Publish = p.endpoint, "None", true, 100*time.Millisecond
	return c
}

// encrypted is a connection with a user, and the server's certificate pinned from the server's own file.
func (p *peer) encrypted(security opcua.Security) *opcua.Connection {
	c := opcua.Kind().New().(*opcua.Connection)
	c.URL, c.Security, c.Publish = p.endpoint, security, 100*time.Millisecond
	c.User, c.Password = "gw", "secret"
	c.Trust = filepath.Join(p.pki, "own", "certs", "certificate.pem")
	c.PKI = filepath.Join(p.folder, "gateway")
	return c
}

func at(name string) string { return "ns=1;s=" + name }

func TestInterop(t *testing.T) {
	p := startPeer(t)
	secure := p.encrypted("Basic256Sha256/SignAndEncrypt")
	for name, c := range map[string]*opcua.Connection{
		"None": p.plain(), "Basic256Sha256": secure, "auto": p.encrypted(opcua.Auto), "Aes128": p.encrypted("Aes128_Sha256_RsaOaep"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("types", func(t *testing.T) { readsEveryType(t, open(t, c)) })
			if name != "Aes128" { // one more of them would show nothing more
				t.Run("ramp", func(t *testing.T) { receivesEveryChange(t, p, open(t, c)) })
			}
			t.Run("writes", func(t *testing.T) { writesEveryType(t, open(t, c)) })
		})
	}
	t.Run("limits", func(t *testing.T) { staysWithinLimits(t, open(t, p.plain())) })
	t.Run("logins", func(t *testing.T) { refusesWrongLogins(t, p) })
	t.Run("trust", func(t *testing.T) { trustsOnlyThePinned(t, p) })
	t.Run("removed", func(t *testing.T) { survivesARemovedNode(t, open(t, p.plain())) })
	t.Run("sessions", func(t *testing.T) { leavesNoSession(t, p) })
	t.Run("browse", func(t *testing.T) { findsTheVariables(t, p) })
	t.Run("methods", func(t *testing.T) { callsMethods(t, p) })
	t.Run("events", func(t *testing.T) { hearsOfEvents(t, p) })
	t.Run("deadband", func(t *testing.T) { holdsBackWithinADeadband(t, p) })
	t.Run("policies", func(t *testing.T) { speaksEveryPolicy(t, p) })
	t.Run("user certificate", func(t *testing.T) { logsInByCertificate(t, p) })
}

// served are the fixed values of server.js, as samples.
var served = map[string]telemetry.Value{
	"Boolean": telemetry.Bool(true), "SByte": telemetry.Int64(-128), "Byte": telemetry.Uint64(255),
	"Int16": telemetry.Int64(-32768), "UInt16": telemetry.Uint64(65535),
	"Int32": telemetry.Int64(-2147483648), "UInt32": telemetry.Uint64(4294967295),
	"Int64": telemetry.Int64(-9223372036854775808), "UInt64": telemetry.Uint64(18446744073709551615),
	"Float": telemetry.Float64(float64(float32(0.1))), "Double": telemetry.Float64(0.1),
	"String": telemetry.String("Füllstand"), "DateTime": telemetry.String("2026-03-01T12:34:56.789Z"),
	"Guid":       telemetry.String("72962B91-FA75-4AE6-8D28-B404DC7DAF63"),
	"ByteString": telemetry.String("deadbeef"), "StatusCode": telemetry.Uint64(uint64(telemetry.BadSensorFailure)),
	"LocalizedText": telemetry.String("running"), "QualifiedName": telemetry.String("Boiler"),
}

func readsEveryType(t *testing.T, a *opcua.Adapter) {
	var points []adapters.Point
	var names []string
	for name := range served {
		points = append(points, point(telemetry.PointID(len(points)), at("Types."+name)))
		names = append(names, name)
	}
	got, err := read(t, a, points...)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		if s.Value != served[names[i]] || s.Quality != telemetry.Good {
			t.Errorf("%s is %s %v (%s), served was %v", names[i], s.Value.Kind(), s.Value, s.Quality, served[names[i]])
		}
	}
}

// state is one state that the ramp had, as the server wrote it down.
type state struct {
	Value  float64   `json:"value"`
	Status uint32    `json:"status"`
	Time   time.Time `json:"time"`
}

func (s state) sample(id telemetry.PointID) telemetry.Sample {
	one := telemetry.Sample{Point: id, Quality: telemetry.Quality(s.Status), Time: s.Time.UnixNano(), Sourced: true}
	if !one.Quality.IsBad() {
		one.Value = telemetry.Float64(s.Value)
	}
	return one
}

func (p *peer) history(t *testing.T) []state { return p.recorded(t, "ramp.jsonl") }

// recorded are the states that the server wrote down in a file.
func (p *peer) recorded(t *testing.T, file string) []state {
	raw, err := os.ReadFile(filepath.Join(p.folder, file))
	if err != nil {
		t.Fatal(err)
	}
	var all []state
	for line := range bytes.Lines(raw) {
		var one state
		if json.Unmarshal(line, &one) == nil {
			all = append(all, one)
		}
	}
	return all
}

// receivesEveryChange compares what was served with what came, one by one: value, status and time.
func receivesEveryChange(t *testing.T, p *peer, a *opcua.Adapter) {
	const enough = 60 // three seconds
	got, stop, _ := subscribe(t, a, point(1, at("Ramp"), sampled(10*time.Millisecond)), point(2, at("Counter"), sampled(10*time.Millisecond)))
	eventually(t, "60 changes", func() bool { return len(got.of(1)) >= enough })
	polled, err := read(t, a, point(1, at("Ramp")))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the polled change", func() bool { return last(got.of(1)).Time >= polled[0].Time })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	received, history := got.of(1), p.history(t)
	first := 0
	for first < len(history) && history[first].sample(1) != received[0] {
		first++
	}
	found := false
	for i, one := range received {
		if first+i >= len(history) {
			t.Fatalf("change %d %v was never served", i, one)
		}
		if want := history[first+i].sample(1); one != want {
			t.Fatalf("change %d is %v, served was %v", i, one, want)
		}
		found = found || one == polled[0]
	}
	if !found {
		t.Errorf("read by interval gave %v, which the subscription never saw", polled[0])
	}
	counts := got.of(2)
	for i := 1; i < len(counts); i++ {
		if counts[i].Value.Bits() != counts[i-1].Value.Bits()+1 {
			t.Errorf("the counter went from %v to %v", counts[i-1].Value, counts[i].Value)
		}
	}
}

// written are values for the writable types, other than the ones they have.
var written = map[string]telemetry.Value{
	"Boolean": telemetry.Bool(false), "SByte": telemetry.Int64(5), "Byte": telemetry.Uint64(6), "Int16": telemetry.Int64(-7),
	"UInt16": telemetry.Uint64(8), "Int32": telemetry.Int64(-9), "UInt32": telemetry.Uint64(10), "Int64": telemetry.Int64(-1 << 62),
	"UInt64": telemetry.Uint64(1 << 63), "Float": telemetry.Float64(0.5), "Double": telemetry.Float64(0.3), "String": telemetry.String("leer"),
	"DateTime": telemetry.String("2027-01-02T03:04:05.678Z"), "ByteString": telemetry.String("00ff"), "LocalizedText": telemetry.String("stopped"),
}

func writesEveryType(t *testing.T, a *opcua.Adapter) {
	for name, value := range written {
		wrote(t, a, point(1, at("Setpoint."+name)), value)
		wrote(t, a, point(1, at("Setpoint."+name)), served[name]) // as it was, for the next
	}
	wrote(t, a, point(1, at("Vec"), element(1)), telemetry.Int64(-20))
	wrote(t, a, point(1, at("Vec"), element(1)), telemetry.Int64(-2))
	if err := write(t, a, point(1, at("ReadOnly")), telemetry.Float64(2)); err == nil || !strings.Contains(err.Error(), "does not let") {
		t.Errorf("write to what is not writable: %v", err)
	}
}

func write(t *testing.T, a *opcua.Adapter, p adapters.Point, v telemetry.Value) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return a.Write(ctx, p, v)
}

func wrote(t *testing.T, a *opcua.Adapter, p adapters.Point, v telemetry.Value) {
	t.Helper()
	if err := write(t, a, p, v); err != nil {
		t.Error(err)
		return
	}
	got, err := read(t, a, p)
	if err != nil || got[0].Value != v || got[0].Quality != telemetry.Good {
		t.Errorf("wrote %v to %s, read back %v, %v", v, p.Spec, got, err)
	}
}

// staysWithinLimits reads and subscribes to more than the 50 nodes that the server takes in one request.
func staysWithinLimits(t *testing.T, a *opcua.Adapter) {
	var polled, pushed []adapters.Point
	for i := range 120 {
		polled = append(polled, point(telemetry.PointID(i), at(fmt.Sprintf("Many.%d", i))))
		pushed = append(pushed, point(telemetry.PointID(i), at(fmt.Sprintf("Many.%d", i)), sampled(50*time.Millisecond)))
	}
	got, err := read(t, a, polled...)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		if s.Value != telemetry.Uint64(uint64(i)) {
			t.Errorf("Many.%d is %v", i, s)
		}
	}
	a.PretendLimit(1000)
	if got, err = read(t, a, polled...); err != nil || len(got) != 120 || got[119].Value != telemetry.Uint64(119) {
		t.Errorf("a request that is too large is not tried in halves: %v", err)
	}
	sub, _, _ := subscribe(t, a, pushed...)
	eventually(t, "120 first values", func() bool { return len(sub.all()) == 120 })
}

func refusesWrongLogins(t *testing.T, p *peer) {
	c := p.encrypted("Basic256Sha256")
	c.Password = "wrong"
	if _, err := c.Open(t.Context(), testLog(t)); err == nil || !strings.Contains(err.Error(), `refused user "gw": check user and password_file`) {
		t.Errorf("a wrong password: %v", err)
	}
}

func trustsOnlyThePinned(t *testing.T, p *peer) {
	c := p.encrypted("Basic256Sha256")
	shown, err := c.ServerCertificate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Trust = opcua.Fingerprint(shown)
	open(t, c)
	c.Trust = ""
	if _, err := c.Open(t.Context(), testLog(t)); err == nil || !strings.Contains(err.Error(), "trust: "+opcua.Fingerprint(shown)) {
		t.Errorf("without a pin: %v", err)
	}
	c.Trust = opcua.Fingerprint([]byte("another"))
	if _, err := c.Open(t.Context(), testLog(t)); err == nil || !strings.Contains(err.Error(), "another certificate than the pinned one") {
		t.Errorf("with another pin: %v", err)
	}
}

// survivesARemovedNode subscribes to a node that is there, one that is not and one that goes.
func survivesARemovedNode(t *testing.T, a *opcua.Adapter) {
	got, _, ended := subscribe(t, a,
		point(1, at("Counter"), sampled(20*time.Millisecond)), point(2, at("Nowhere"), sampled(20*time.Millisecond)),
		point(3, at("Many.7"), sampled(20*time.Millisecond)), point(4, "nsu=urn:nobody;s=X", sampled(20*time.Millisecond)))
	eventually(t, "the unknown nodes being bad", func() bool {
		return last(got.of(2)).Quality == telemetry.BadNodeUnknown && last(got.of(4)).Quality == telemetry.BadNodeUnknown
	})
	eventually(t, "the node that goes", func() bool { return last(got.of(3)).Quality == telemetry.Good })
	if err := write(t, a, point(9, at("Control.Remove")), telemetry.String("Many.7")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removed node being bad when read", func() bool {
		s, err := read(t, a, point(3, at("Many.7")), point(5, at("Many.8")))
		return err == nil && s[0].Quality == telemetry.BadNodeUnknown && s[1].Value == telemetry.Uint64(8)
	})
	before := len(got.of(1))
	eventually(t, "the others going on", func() bool { return len(got.of(1)) > before+10 })
	select {
	case err := <-ended:
		t.Errorf("the subscription ended: %v", err)
	default:
	}
}

// sessionCount is how many sessions the server has, that of who asks included.
func sessionCount(t *testing.T, watcher adapters.Adapter) telemetry.Value {
	s, err := read(t, watcher, point(1, "i=2277")) // ServerDiagnosticsSummary.CurrentSessionCount
	if err != nil {
		t.Fatal(err)
	}
	return s[0].Value
}

func leavesNoSession(t *testing.T, p *peer) {
	watcher := open(t, p.plain())
	count := func() telemetry.Value { return sessionCount(t, watcher) }
	before := count()
	other := open(t, p.plain())
	if count() == before {
		t.Fatal("the server does not count sessions")
	}
	_, stop, _ := subscribe(t, other, point(1, at("Counter"), sampled(20*time.Millisecond)))
	stop() // perhaps before the subscription is made
	other.Close()
	if now := count(); now != before {
		t.Errorf("%v sessions before, %v after Close", before, now)
	}
}

func deadband(absolute, percent float64) setting {
	return func(s *opcua.Spec) { s.Filter(absolute, percent) }
}

// holdsBackWithinADeadband: the server itself sends no change that is smaller; a text, which has no deadband, comes whole.
func holdsBackWithinADeadband(t *testing.T, p *peer) {
	a := open(t, p.plain())
	got, _, _ := subscribe(t, a,
		point(1, at("Analog"), sampled(10*time.Millisecond), deadband(20, 0)), point(2, at("Analog"), sampled(10*time.Millisecond), deadband(0, 5)),
		point(3, at("Analog"), sampled(10*time.Millisecond)), point(4, at("Setpoint.String"), sampled(10*time.Millisecond), deadband(1, 0)),
		point(5, at("Setpoint.Double"), sampled(10*time.Millisecond), deadband(0, 5)))
	eventually(t, "the first values", func() bool { return len(got.all()) >= 5 })
	for _, v := range []float64{510, 530, 540, 600, 500} {
		wrote(t, a, point(9, at("Analog")), telemetry.Float64(v))
		eventually(t, "the change", func() bool { return last(got.of(3)).Value == telemetry.Float64(v) })
	}
	wrote(t, a, point(9, at("Setpoint.Double")), telemetry.Float64(0.11))
	wrote(t, a, point(9, at("Setpoint.String")), telemetry.String("voll"))
	eventually(t, "the last changes", func() bool {
		return last(got.of(4)).Value == telemetry.String("voll") && last(got.of(5)).Value == telemetry.Float64(0.11) && last(got.of(1)).Value == telemetry.Float64(500)
	})
	for id, want := range map[telemetry.PointID][]float64{1: {500, 530, 600, 500}, 2: {500, 600, 500}} {
		var values []float64
		for _, s := range got.of(id) {
			v, _ := s.Value.Float()
			values = append(values, v)
		}
		if !slices.Equal(values, want) {
			t.Errorf("point %d: %v, want %v", id, values, want)
		}
	}
}

func speaksEveryPolicy(t *testing.T, p *peer) {
	for _, policy := range []string{"Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"} {
		for _, mode := range []string{"Sign", "SignAndEncrypt"} {
			got, err := read(t, open(t, p.encrypted(opcua.Security(policy+"/"+mode))), point(1, at("Types.Int16")))
			if err != nil || got[0].Value != served["Int16"] {
				t.Errorf("%s/%s: %v, %v", policy, mode, got, err)
			}
		}
	}
}

// logsInByCertificate has one certificate stand for the gateway and another for its user.
func logsInByCertificate(t *testing.T, p *peer) {
	for _, policy := range []string{"Basic256Sha256", "Aes256_Sha256_RsaPss"} {
		c := p.encrypted(opcua.Security(policy))
		user := t.TempDir()
		if err := opcua.MakeIdentity(user); err != nil {
			t.Fatal(err)
		}
		c.User, c.Password = "", ""
		c.UserCert, c.UserKey = filepath.Join(user, "own.der"), filepath.Join(user, "own.key")
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, open(t, c), point(1, at("Types.Int16")))
		if err != nil || got[0].Value != served["Int16"] {
			t.Errorf("%s: %v, %v", policy, got, err)
		}
	}
}

// findsTheVariables goes through more than fits into one answer, and reads what it found by the node ids that it gives.
func findsTheVariables(t *testing.T, p *peer) {
	c := p.plain()
	found, err := c.Browse(t.Context(), opcua.Search{From: "i=85"}, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	byPath := map[string]opcua.Found{}
	var points []adapters.Point
	for _, f := range found {
		byPath[f.Path] = f
		if f.Length == 0 {
			points = append(points, point(telemetry.PointID(len(points)), f.At))
		}
	}
	many := 0
	for path := range byPath {
		if strings.HasPrefix(path, "Plant/Many.") {
			many++
		}
	}
	if many < 119 { // one of them is taken away by another test
		t.Errorf("found %d of Many", many)
	}
	if f := byPath["Plant/Vec"]; f.Length != 3 || f.Type != "Int16" || !f.Writable || f.Name != "Plant_Vec" {
		t.Errorf("the array: %+v", f)
	}
	if f := byPath["Plant/Analog"]; f.Type != "Double" || !f.Writable || f.Value == "" || !strings.HasPrefix(f.At, "nsu=") {
		t.Errorf("the analog item: %+v", f)
	}
	if f := byPath["Plant/ReadOnly"]; f.Writable {
		t.Errorf("what can't be written: %+v", f)
	}
	for _, not := range []string{"Plant/Analog/EURange", "Server/ServerStatus"} {
		if _, ok := byPath[not]; ok {
			t.Errorf("%s was found, and is no signal", not)
		}
	}
	got, err := read(t, open(t, c), points...)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		if s.Quality == telemetry.BadNodeUnknown {
			t.Errorf("%s can't be read", points[i].Name)
		}
	}
	if found, err := c.Browse(t.Context(), opcua.Search{From: at("Plant"), Match: "Types.*"}, testLog(t)); err != nil || len(found) != len(served) {
		t.Errorf("%d types found, %v; there are %d", len(found), err, len(served))
	}
	if _, err := c.Browse(t.Context(), opcua.Search{From: at("Plant"), Max: 10}, testLog(t)); err == nil || !strings.Contains(err.Error(), "more than 10 variables") {
		t.Errorf("too many: %v", err)
	}
	if _, err := c.Browse(t.Context(), opcua.Search{From: at("Nowhere")}, testLog(t)); err == nil || !strings.Contains(err.Error(), "no such node") {
		t.Errorf("a node that isn't there: %v", err)
	}
}

func method(object string) setting { return func(s *opcua.Spec) { s.Object = object } }

// callsMethods writes to the points of methods, and reads what they were called with and what that gave.
func callsMethods(t *testing.T, p *peer) {
	a := open(t, p.plain())
	start, scale := point(1, at("Start"), method(at("Plant"))), point(2, at("Scale"), method(at("Plant")))
	gave := point(3, at("Scale"))
	gave.Spec = scale.Spec.(*opcua.Spec).Expand("scale")["scale_result"]
	if got, err := read(t, a, start, scale, gave); err != nil || got[0].Quality != telemetry.BadWaitingForData || len(got) != 3 {
		t.Errorf("before any call: %v, %v", got, err)
	}
	for range 2 {
		wrote(t, a, start, telemetry.Bool(true))
	}
	if got, err := read(t, a, point(4, at("Started"))); err != nil || got[0].Value != telemetry.Uint64(2) {
		t.Errorf("called twice, the server counts %v, %v", got, err)
	}
	wrote(t, a, scale, telemetry.String("[2.5, 4]"))
	if got, err := read(t, a, gave); err != nil || got[0].Value != telemetry.Float64(10) {
		t.Errorf("2.5 x 4 gave %v, %v", got, err)
	}
	for _, c := range []struct {
		point adapters.Point
		value telemetry.Value
		says  string
	}{
		{start, telemetry.Bool(false), "write true to call it"},
		{scale, telemetry.Float64(1), "takes 2 arguments"},
		{scale, telemetry.String("[1, 2, 3]"), "takes 2 arguments"},
		{scale, telemetry.String("[1, -2]"), "argument factor: "},
		{scale, telemetry.String("[-1, 2]"), "out of range"},
		{point(5, at("Nowhere"), method(at("Plant"))), telemetry.Bool(true), "0x80340000"},
	} {
		if err := write(t, a, c.point, c.value); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s with %v: %v; want %q", c.point.Spec, c.value, err, c.says)
		}
	}
}

// hearsOfEvents subscribes to a node that notifies, in all severities and from 500 on.
func hearsOfEvents(t *testing.T, p *peer) {
	d := &opcua.Device{Events: []opcua.Events{{From: at("Plant")}, {From: at("Plant"), Severity: ">=500", Name: "severe"}}}
	list, err := d.List()
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	all, severe := point(1, at("Plant")), point(2, at("Plant"))
	all.Spec, severe.Spec = list["events"], list["severe"]
	a := open(t, p.plain())
	got, _, _ := subscribe(t, a, all, severe, point(3, at("Counter"), sampled(50*time.Millisecond)))
	eventually(t, "values beside the events", func() bool { return len(got.of(3)) > 3 })
	for _, what := range []string{"event door open 200", "event fire 900"} {
		before := len(got.of(1))
		if err := write(t, a, point(9, at("Control.Do")), telemetry.String(what)); err != nil {
			t.Fatal(err)
		}
		eventually(t, what, func() bool { return len(got.of(1)) > before })
	}
	eventually(t, "the severe one", func() bool { return len(got.of(2)) > 0 })
	var e struct {
		Severity              int
		Message, Source, Type string
	}
	for i, want := range []string{"door open", "fire"} {
		s := got.of(1)[i]
		if err := json.Unmarshal([]byte(s.Value.Text()), &e); err != nil || e.Message != want || e.Source == "" || e.Type != "i=2041" || time.Since(time.Unix(0, s.Time)).Abs() > time.Minute {
			t.Errorf("event %d is %v, %v", i, s, err)
		}
	}
	if list := got.of(2); len(list) != 1 || e.Severity != 900 {
		t.Errorf("severe are %v", list)
	}
}
