package simulation

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/gateway"
	"github.com/penstock-edge/penstock/gateway/config"
)

// life is one run of the gateway, from its start to its end or its crash.
type life struct {
	number  int
	folder  string
	gateway *gateway.Gateway
	disk    *disk
	flush   time.Duration
	always  bool
	began   time.Time
	ended   atomic.Int64 // when it crashed, in ns; 0: it has not
	stop    context.CancelFunc
	done    chan error

	healthy time.Time // since then the disk takes what it is given; zero: it does not
	certain time.Time // what was handed over before is on disk
}

func (l *life) over() bool { return l.ended.Load() != 0 }

// fence ends the life as far as the world is concerned. What still runs of it is a ghost, whose network and disk lead nowhere.
func (l *life) fence() { l.ended.CompareAndSwap(0, time.Now().UnixNano()) }

// slack is what a reading takes on its way from the plant to the journal, beside waiting for the next flush.
const slack = 2 * time.Second

// settle moves the moment up to which all is known to be on disk, when the disk has been healthy for long enough.
func (l *life) settle(now time.Time) {
	if l.healthy.IsZero() || now.Sub(l.healthy) < l.flush+slack {
		return
	}
	l.certain = now.Add(-l.flush - slack)
}

// fail has the disk refuse everything, or take it again.
func (l *life) fail(err error) {
	l.settle(time.Now())
	l.healthy = time.Time{}
	if err == nil {
		l.healthy = time.Now()
	}
	l.disk.mu.Lock()
	defer l.disk.mu.Unlock()
	l.disk.failing = err
}

const gatewayYAML = `version: 1
gateway: {id: plant7, timezone: UTC, clock: synchronised}
state: %s
scan: {normal: %v}
%s
buffer: {flush: %s}
cloud: [{url: "mqtts://%s", send: {every: %v}%s}]
local: {web: off}
`

const equipmentYAML = `connections: {bus: {plant: bus}}
devices:
  - name: press
    connection: bus
    points:
      count: {at: count}
      strokes: {at: strokes}
      level: {at: level}
      setpoint: {at: setpoint, access: rw, range: 0..100000}
rules:
  - name: level_high
    when: press.level > 80
    until: press.level < 60
    alarm: {severity: high, text: "level ${press.level}"}
`

// startGateway starts a gateway on a folder. With no equipment it only sends what it has.
func (s *site) startGateway(folder string, equipment bool) *life {
	l := &life{
		number: s.lives, folder: folder, flush: s.plan.flush, always: s.plan.flush == 0, began: time.Now(), healthy: time.Now(), done: make(chan error, 1),
		disk: &disk{folder: filepath.Join(folder, "buffer"), random: s.random("disk", s.lives)},
	}
	s.lives++
	flush := l.flush.String()
	if l.always {
		flush, l.flush = "always", time.Second
	}
	field, may := "", ""
	if equipment {
		field, may = equipmentYAML, ", shadow: [press.setpoint]"
	}
	file := filepath.Join(folder, "gateway.yaml")
	must(os.WriteFile(file, fmt.Appendf(nil, gatewayYAML, folder, s.plan.scan, field, flush, mqttAt, s.plan.send, may), 0o600))
	cfg, report := config.Load(file, []adapters.Kind{s.plant.kind(l)})
	if report.Errors() > 0 {
		panic(report)
	}
	cfg.Buffer.MaxSize = s.plan.room // less than anybody may configure
	dial := func(ctx context.Context, _, to string) (net.Conn, error) {
		if l.over() {
			return nil, net.ErrClosed
		}
		return s.network.dial(ctx, to)
	}
	listen := func(string, string) ([]net.Listener, error) {
		ln, err := s.network.listen(fmt.Sprint("gateway:", l.number))
		return []net.Listener{ln}, err
	}
	g, err := gateway.OpenIn(cfg, "simulation", gateway.Options{Dial: dial, Listen: listen, Clock: &s.wall, Disk: l.disk.commit}, s.log.With("gateway", l.number))
	if err != nil {
		panic(fmt.Errorf("the gateway does not start on what the crash left: %w", err))
	}
	l.gateway = g
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() { l.done <- g.Run(ctx, func([]string) {}) }()
	s.event("gateway %d runs", l.number)
	return l
}
