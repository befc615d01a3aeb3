package simulation

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing/synctest"
	"time"

	"github.com/penstock-edge/penstock/cloud/server"
)

// quick is the shortest way through the network.
const quick = 20 * time.Millisecond

// site is the whole of it: plant, gateway, network, cloud, and the model.
type site struct {
	seed    uint64
	plan    plan
	dir     string
	log     *slog.Logger
	began   time.Time
	model   *model
	network *network
	plant   *plant
	shelf   *shelfState
	wall    wall

	gateway *life  // nil while it is down
	state   string // the folder of the gateway's state
	lives   int
	cloud   *cloudLife // nil while it is down
	data    string     // the cloud's folder
	clouds  int
	stale   bool           // the negative control: a crash leaves what the disk held some scans before
	ghosts  sync.WaitGroup // runs that are over and still wind up

	token   string
	http    *http.Client
	desired float64 // the last that was asked for

	disturbed  int // counts what may keep a gateway from seeing its plant
	excursions int // of the level
	certain    int // of these the gateway must have seen
	rose       time.Time
	misled     bool // the clock was set wrong
	calm       int  // disturbed, then

	mu       sync.Mutex
	happened []string // the last events
	faults   int
}

func newSite(seed uint64, p plan, dir string) *site {
	s := &site{seed: seed, plan: p, dir: dir, began: time.Now(), model: newModel(), network: newNetwork(seed)}
	s.wall.at = s.began
	s.log = slog.New(&diary{s})
	s.plant = newPlant(s.random("plant", 0), s.model, &s.wall)
	s.shelf = &shelfState{random: s.random("shelf", 0), stored: map[uint64]bool{}}
	return s
}

// random is a source of its own for each who draws, so that none disturbs another's.
func (s *site) random(who string, n int) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, who, n)
	return rand.New(rand.NewPCG(s.seed, h.Sum64()))
}

// open makes the installation and starts it.
func (s *site) open() {
	s.state, s.data = filepath.Join(s.dir, "g0"), filepath.Join(s.dir, "c0")
	made, err := server.Init(s.data, []string{cloudName})
	must(err)
	s.token, s.http = made.AdminToken, s.person(made)
	must(os.MkdirAll(s.state, 0o700))
	s.cloud = s.startCloud(s.data)
	s.enrol(s.state)
	s.gateway = s.startGateway(s.state, true)
}

// run goes through the plan.
func (s *site) run() {
	for _, step := range s.plan.steps {
		if wait := step.at - time.Since(s.began); wait > 0 {
			time.Sleep(wait)
		}
		s.event("%s", step.what)
		if !step.end {
			s.faults++
		}
		step.do(s)
	}
	if wait := s.plan.length - time.Since(s.began); wait > 0 {
		time.Sleep(wait)
	}
}

// event writes down what happened; the last of them are printed with a failure.
func (s *site) event(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.happened = append(s.happened, fmt.Sprintf("%s %s", at(time.Now().UnixNano()), fmt.Sprintf(format, args...)))
	if n := len(s.happened) - 60; n > 0 {
		s.happened = s.happened[n:]
	}
}

// quiet waits until nothing is under way at this moment.
func (s *site) quiet() { synctest.Wait() }

// killGateway ends the gateway at this moment; with its power the connections' other ends are not told.
func (s *site) killGateway(power bool) {
	if s.gateway == nil {
		return
	}
	s.quiet()
	if s.stale {
		must(os.CopyFS(s.next(), os.DirFS(s.gateway.folder)))
		time.Sleep(5 * s.plan.scan)
		s.quiet()
	}
	s.gateway.fence()
	s.bury(power)
}

// killWithin ends the gateway within a transaction.
func (s *site) killWithin(after int, how string) {
	l := s.gateway
	if l == nil {
		return
	}
	c := &crash{after: after, how: how, into: filepath.Join(s.next(), "buffer"), done: make(chan struct{}), fence: l.fence}
	must(os.MkdirAll(filepath.Dir(c.into), 0o700))
	l.disk.mu.Lock()
	l.disk.arm = c
	l.disk.mu.Unlock()
	select {
	case <-c.done:
	case <-time.After(4 * s.plan.send):
		l.disk.mu.Lock()
		l.disk.arm = nil
		l.disk.mu.Unlock()
		s.quiet()
		l.fence()
	}
	s.quiet()
	s.bury(how == "torn")
}

func (s *site) next() string { return filepath.Join(s.dir, fmt.Sprint("g", s.lives)) }

// bury keeps what the crash left on disk for the next life, and lets the ghost wind up.
func (s *site) bury(power bool) {
	s.disturbed++
	l := s.gateway
	s.model.end(l, false)
	next := s.next()
	must(os.MkdirAll(next, 0o700))
	if _, err := os.Stat(filepath.Join(next, "state.db")); err != nil { // else it is what a disk that lies has kept
		copyRest(l.folder, next)
	}
	l.disk.end()
	if power {
		s.network.unplug(0)
	} else {
		s.network.cut()
	}
	s.state, s.gateway = next, nil
	if power {
		s.wall.restart()
	}
	l.stop()
	s.ghosts.Go(func() {
		<-l.done
		must(os.RemoveAll(l.folder))
	})
}

// halt stops the gateway as systemd does.
func (s *site) halt() {
	l := s.gateway
	if l == nil {
		return
	}
	s.disturbed++
	l.stop()
	err := <-l.done
	healthy := !l.healthy.IsZero()
	if err != nil && healthy {
		panic(fmt.Errorf("the gateway stops with %w", err))
	}
	l.fence()
	s.model.end(l, true)
	s.gateway = nil
}

func (s *site) reviveGateway() {
	if s.gateway == nil {
		s.disturbed++
		s.gateway = s.startGateway(s.state, true)
	}
}

func (s *site) disk(err error) {
	if s.gateway != nil {
		s.disturbed++
		s.gateway.fail(err)
	}
}

// killCloud ends the cloud at this moment.
func (s *site) killCloud(power bool) {
	c := s.cloud
	if c == nil {
		return
	}
	s.quiet()
	s.clouds++
	next := filepath.Join(s.dir, fmt.Sprint("c", s.clouds))
	must(os.CopyFS(next, os.DirFS(c.folder)))
	if power {
		s.network.unplug(1)
	} else {
		s.network.cut()
	}
	s.network.vanish(mqttAt, httpsAt)
	s.cloud, s.data = nil, next
	c.stop()
	s.ghosts.Go(func() {
		<-c.done
		must(os.RemoveAll(c.folder))
	})
}

func (s *site) reviveCloud() {
	if s.cloud == nil {
		s.cloud = s.startCloud(s.data)
	}
}

func (s *site) store(change func(*shelfState)) {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	change(s.shelf)
}

// level takes the plant's level above its limit, or back. The alarm must come when that lasts for two scans and nothing is in the way.
func (s *site) level(high bool) {
	switch {
	case high:
		s.excursions, s.rose, s.calm = s.excursions+1, time.Now(), s.disturbed
	case s.calm == s.disturbed && time.Since(s.rose) > 2*s.plan.scan+slack && s.gateway != nil:
		s.certain++
	}
	s.plant.change(func(p *plant) { p.high = high })
}

// mislead sets the machine's clock wrong.
func (s *site) mislead(off time.Duration) {
	s.misled = true
	s.wall.set(off)
}

// trouble is what keeps the gateway from its plant, or the plant's answers from it.
func (s *site) trouble(do func(*plant)) {
	s.disturbed++
	s.plant.change(do)
}

// diary writes what gateway and cloud say among the events.
type diary struct{ s *site }

func (d *diary) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (d *diary) WithAttrs([]slog.Attr) slog.Handler           { return d }
func (d *diary) WithGroup(string) slog.Handler                { return d }
func (d *diary) Handle(_ context.Context, r slog.Record) error {
	line := r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	d.s.event("  %.200s", line)
	return nil
}
