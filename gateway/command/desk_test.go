package command_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway/command"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/state"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("COMMAND_TEST_CHILD"); dir != "" {
		child(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// machine is equipment: registers that remember every write.
type machine struct {
	mu     sync.Mutex
	reads  map[telemetry.PointID]telemetry.Sample
	writes map[telemetry.PointID][]telemetry.Value
	clock  int64

	before func(telemetry.PointID, telemetry.Value)                         // called in Write, before the register changes
	takes  func(telemetry.PointID, telemetry.Value) (telemetry.Value, bool) // what the register holds then; false: the answer is lost
	fails  error                                                            // what Write says
}

func newMachine() *machine {
	return &machine{reads: map[telemetry.PointID]telemetry.Sample{}, writes: map[telemetry.PointID][]telemetry.Value{}}
}

// set is the machine changing by itself, or what it holds first.
func (m *machine) set(id telemetry.PointID, v telemetry.Value) { m.setQuality(id, v, telemetry.Good) }

func (m *machine) setQuality(id telemetry.PointID, v telemetry.Value, q telemetry.Quality) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock++
	m.reads[id] = telemetry.Sample{Point: id, Value: v, Quality: q, Time: m.clock}
}

func (m *machine) Latest(id telemetry.PointID) (telemetry.Sample, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.reads[id]
	return s, ok
}

func (m *machine) Write(_ context.Context, id telemetry.PointID, v telemetry.Value) (telemetry.Sample, error) {
	if m.before != nil {
		m.before(id, v)
	}
	if m.fails != nil {
		return telemetry.Sample{}, m.fails
	}
	m.mu.Lock()
	m.writes[id] = append(m.writes[id], v)
	m.mu.Unlock()
	holds, answers := v, true
	if m.takes != nil {
		holds, answers = m.takes(id, v)
	}
	m.set(id, holds)
	if !answers {
		return telemetry.Sample{}, errors.New("the device did not answer")
	}
	s, _ := m.Latest(id)
	return s, nil
}

func (m *machine) count(id telemetry.PointID) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.writes[id])
}

// The press's points, by number.
const (
	setpoint telemetry.PointID = iota // 0..100 °C, changes by at most 10, listed everywhere
	mode                              // an enum, listed everywhere
	oilTemp                           // read only
	lid                               // a switch: closed
	start                             // only while the lid is closed
	recipe                            // text
	speed                             // not listed
	slow                              // at most once a minute, within 0.5
	count                             // a whole number
	size                              // from here on heaters, listed
)

// many is how many heaters the press has.
const many = 64

func press() []config.Point {
	point := func(id telemetry.PointID, name string) config.Point {
		return config.Point{Point: adapters.Point{ID: id, Device: "press", Name: name}, Access: config.ReadWrite}
	}
	p := make([]config.Point, size)
	for id, name := range []string{"setpoint", "mode", "oil_temp", "lid", "start", "recipe", "speed", "slow", "count"} {
		p[id] = point(telemetry.PointID(id), name)
	}
	for i := range many {
		p = append(p, point(size+telemetry.PointID(i), fmt.Sprint("heater", i)))
	}
	p[setpoint].Range, p[setpoint].Unit, p[setpoint].Guard.Step = &config.Range{Min: 0, Max: 100}, "°C", 10
	p[mode].Enum = map[int64]string{0: "stop", 1: "manual", 2: "auto"}
	p[oilTemp].Access = config.ReadOnly
	p[start].Guard.Interlock = "press.lid AND press.oil_temp < 80"
	p[slow].Guard.Every, p[slow].Guard.Tolerance = time.Minute, 0.5
	return p
}

func (m *machine) site(points []config.Point) command.Site {
	site := command.Site{
		Points: points, Write: m.Write, Latest: m.Latest,
		Shadow: []telemetry.PointID{setpoint, mode}, Commands: []telemetry.PointID{setpoint, mode, start, oilTemp, slow, recipe, count},
	}
	for i := range telemetry.PointID(many) {
		site.Commands = append(site.Commands, size+i)
	}
	return site
}

// plant is a press with a desk before it.
type plant struct {
	*machine
	desk *command.Desk
	log  *command.Log
	db   *state.DB
	now  time.Time
	mu   sync.Mutex

	settle time.Duration
}

func (p *plant) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *plant) wait(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func newPlant(t testing.TB) *plant {
	t.Helper()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	p := &plant{machine: newMachine(), db: db, now: noon, settle: 60 * time.Millisecond}
	for id, v := range []telemetry.Value{
		telemetry.Float64(20), telemetry.Int64(0), telemetry.Float64(60), telemetry.Bool(true), telemetry.Bool(false),
		telemetry.String("bread"), telemetry.Float64(5), telemetry.Float64(1), telemetry.Int64(7),
	} {
		p.set(telemetry.PointID(id), v)
	}
	p.open(t)
	return p
}

// open makes log and desk as a process does that starts on the same folder.
func (p *plant) open(t testing.TB) {
	t.Helper()
	var err error
	if p.log, err = command.OpenLog(p.db); err != nil {
		t.Fatal(err)
	}
	options := command.Options{Now: p.clock, Settle: p.settle, Resume: 300 * time.Millisecond}
	if p.desk, err = command.New(p.log, p.site(press()), options); err != nil {
		t.Fatal(err)
	}
}

// run runs the desk until the test ends or end is called.
func (p *plant) run(t testing.TB) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	desk := p.desk
	go func() { done <- desk.Run(ctx) }()
	var once sync.Once
	end = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(end)
	return end
}

// anna asks at the gateway's own page.
func anna(point, text string) command.Order {
	return command.Order{Point: "press." + point, Text: text, Who: "anna", From: "127.0.0.1", Channel: command.Local}
}

// tale is what the audit log says, one word a line.
func (p *plant) tale(t testing.TB) string {
	t.Helper()
	if err := p.log.Verify(); err != nil {
		t.Error(err)
	}
	records, err := p.log.Tail(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range records {
		lines = append(lines, fmt.Sprint(r.Who, " ", r.Outcome, " ", r.Object, "=", r.Details["value"], " ", r.Details["code"]))
	}
	return strings.Join(lines, "\n")
}

func TestAWriteIsReadBackAndOnRecord(t *testing.T) {
	p := newPlant(t)
	r := p.desk.Do(t.Context(), anna("setpoint", "25.5"))
	if r.State != command.Done || r.Err() != nil || r.Sample.Value != telemetry.Float64(25.5) {
		t.Fatalf("%+v", r)
	}
	if got := p.writes[setpoint]; len(got) != 1 || got[0] != telemetry.Float64(25.5) {
		t.Errorf("the press was written %v", got)
	}
	if got, want := p.tale(t), "anna asked press.setpoint=25.5 \nanna done press.setpoint=25.5 "; got != want {
		t.Errorf("the audit log tells\n%s\nwant\n%s", got, want)
	}
	records, _ := p.log.Tail(1)
	if r := records[0]; r.From != "127.0.0.1" || r.Details["reads"] != "25.5" || r.Details["channel"] != "local" || r.Trace == "" {
		t.Errorf("the last line is %+v", r)
	}
	if s := p.desk.Stats(); s.Asked != 1 || s.Done != 1 {
		t.Errorf("%+v", s)
	}
}

func TestANameOfAnEnumStandsForItsNumber(t *testing.T) {
	p := newPlant(t)
	for _, o := range []command.Order{
		anna("mode", "auto"),
		{Point: "press.mode", Value: telemetry.String("manual"), Who: "rule:calm", Channel: command.Rule},
		{Point: "press.mode", Value: telemetry.Float64(2), Who: "rule:calm", Channel: command.Rule},
	} {
		if r := p.desk.Do(t.Context(), o); r.State != command.Done {
			t.Errorf("%+v", r)
		}
	}
	if got := fmt.Sprint(p.writes[mode]); got != "[2 1 2]" {
		t.Errorf("written %s", got)
	}
}

func TestTextThatLooksLikeANumberIsTextWhereTextIsRead(t *testing.T) {
	p := newPlant(t)
	if r := p.desk.Do(t.Context(), anna("recipe", "0815")); r.State != command.Done {
		t.Fatalf("%+v", r)
	}
	if got := p.writes[recipe][0]; got != telemetry.String("0815") {
		t.Errorf("written %v of kind %v", got, got.Kind())
	}
}

func TestTwoPointsAreWrittenAtATimeAndOnePointOnce(t *testing.T) {
	p := newPlant(t)
	var mu sync.Mutex
	under, most := map[telemetry.PointID]int{}, 0
	together := make(chan struct{})
	var both sync.WaitGroup
	both.Add(2)
	go func() { both.Wait(); close(together) }()
	first := map[telemetry.PointID]bool{}
	p.before = func(id telemetry.PointID, _ telemetry.Value) {
		mu.Lock()
		under[id]++
		most = max(most, under[id])
		isFirst := !first[id]
		first[id] = true
		mu.Unlock()
		if isFirst {
			both.Done()
			<-together
		}
		mu.Lock()
		under[id]--
		mu.Unlock()
	}
	var all sync.WaitGroup
	for i := range 20 {
		point := []string{"count", "speed"}[i%2]
		all.Go(func() {
			if r := p.desk.Do(t.Context(), anna(point, fmt.Sprint(i))); r.State != command.Done {
				t.Errorf("%+v", r)
			}
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d writes at a time to one point", most)
	}
}

func TestANewConfigurationJudgesWhoWaits(t *testing.T) {
	p := newPlant(t)
	points := press()
	points[setpoint].Access = config.ReadOnly
	if err := p.desk.Swap(p.site(points)); err != nil {
		t.Fatal(err)
	}
	if r := p.desk.Do(t.Context(), anna("setpoint", "21")); r.Code != command.NotWritable {
		t.Errorf("%+v", r)
	}
	points[start].Guard.Interlock = "press.door"
	if err := p.desk.Swap(p.site(points)); err == nil || !strings.Contains(err.Error(), "no point press.door") {
		t.Errorf("an interlock without its point: %v", err)
	}
}

func TestAfterTheEndNothingIsWritten(t *testing.T) {
	p := newPlant(t)
	end := p.run(t)
	end()
	if r := p.desk.Do(t.Context(), anna("setpoint", "21")); r.Code != command.Stopping || p.count(setpoint) != 0 {
		t.Errorf("%+v, %d writes", r, p.count(setpoint))
	}
}
