package simulation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"syscall"
	"time"
)

// plan is what a seed stands for.
type plan struct {
	length time.Duration
	scan   time.Duration
	send   time.Duration
	flush  time.Duration // 0: always
	room   int64         // bytes of the buffer
	steps  []step
}

// step is something that happens at a time after the start.
type step struct {
	at   time.Duration
	what string
	do   func(*site)
	end  bool // of an earlier one
}

// roomy is a buffer that no outage fills.
const roomy = 1 << 30

// draw makes a plan: how the gateway is configured, and the faults that it will meet.
func draw(seed uint64, length time.Duration, pace time.Duration) plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := plan{length: length}
	p.scan = pick(r, 1, 2, 5) * pace
	p.send = p.scan * pick(r, 2, 5, 10)
	p.flush = []time.Duration{0, time.Second, pace / 2, pace}[r.IntN(4)]
	p.room = []int64{8 * roomy, 8 * roomy, 700, 3000}[r.IntN(4)]
	for at := p.pause(r, pace); at < length; at += p.pause(r, pace) {
		p.fault(r, at, pace)
	}
	for at := p.pause(r, pace); at < length; at += p.pause(r, pace) {
		lasting := time.Duration(1+r.IntN(20)) * p.scan
		p.pair(at, lasting, "level high", func(s *site) { s.level(true) }, func(s *site) { s.level(false) })
		at += lasting
	}
	sort.SliceStable(p.steps, func(i, j int) bool { return p.steps[i].at < p.steps[j].at })
	return p
}

func pick(r *rand.Rand, of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }

// pause is the time between two faults: 30 times the pace, exponentially distributed.
func (p *plan) pause(r *rand.Rand, pace time.Duration) time.Duration {
	return time.Duration(-math.Log(1-r.Float64()) * 30 * float64(pace))
}

func (p *plan) pair(at, lasting time.Duration, what string, do, undo func(*site)) {
	p.steps = append(p.steps, step{at: at, what: what, do: do})
	if undo != nil {
		p.steps = append(p.steps, step{at: at + lasting, what: "end of: " + what, do: undo, end: true})
	}
}

// fault adds one, with its end.
func (p *plan) fault(r *rand.Rand, at, pace time.Duration) {
	short := time.Duration(r.ExpFloat64() * 3 * float64(pace))
	long := time.Duration(r.ExpFloat64() * 40 * float64(pace))
	wait, torn := 1+r.IntN(4), []string{"before", "after", "torn"}[r.IntN(3)]
	base, rate := time.Duration(r.Int64N(int64(20*time.Second))), 100+1000*r.Float64()
	switch r.IntN(17) {
	case 0:
		p.pair(at, 0, "connections are cut", func(s *site) { s.network.cut() }, nil)
	case 1:
		p.pair(at, short, "network dark", func(s *site) { s.network.darken(true) }, func(s *site) { s.network.darken(false) })
	case 2:
		p.pair(at, long, "network dark for long", func(s *site) { s.network.darken(true) }, func(s *site) { s.network.darken(false) })
	case 3:
		p.pair(at, short, "present connections stand still", func(s *site) { s.network.hold(true) }, func(s *site) { s.network.hold(false) })
	case 4:
		p.pair(at, short, "acknowledgements are lost", func(s *site) { s.network.mute() }, func(s *site) { s.network.cut() })
	case 5:
		p.pair(at, long, "network slow", func(s *site) { s.network.slow(base, base, rate) }, func(s *site) { s.network.slow(quick, 3*quick, 0) })
	case 6:
		p.pair(at, short, "gateway killed", func(s *site) { s.killGateway(false) }, (*site).reviveGateway)
	case 7:
		p.pair(at, short, "gateway's power cut", func(s *site) { s.killGateway(true) }, (*site).reviveGateway)
	case 8, 9:
		p.pair(at, short, fmt.Sprintf("gateway cut off %s its transaction %d", torn, wait), func(s *site) { s.killWithin(wait, torn) }, (*site).reviveGateway)
	case 10:
		p.pair(at, short, "gateway stopped", (*site).halt, (*site).reviveGateway)
	case 11:
		p.pair(at, short, "gateway's disk full", func(s *site) { s.disk(syscall.ENOSPC) }, func(s *site) { s.disk(nil) })
	case 12:
		p.pair(at, short, "gateway's disk fails", func(s *site) { s.disk(syscall.EIO) }, func(s *site) { s.disk(nil) })
	case 13:
		p.pair(at, short, "cloud killed", func(s *site) { s.killCloud(false) }, (*site).reviveCloud)
	case 14:
		p.pair(at, short, "cloud's power cut", func(s *site) { s.killCloud(true) }, (*site).reviveCloud)
	default:
		p.more(r, at, short, long)
	}
}

func (p *plan) more(r *rand.Rand, at, short, long time.Duration) {
	slow := time.Duration(1 + r.Int64N(int64(10*time.Second)))
	off := time.Duration(r.Int64N(int64(144*time.Hour))) - 72*time.Hour
	switch r.IntN(7) {
	case 0:
		p.pair(at, short, "cloud's store full", func(s *site) { s.store(func(f *shelfState) { f.full = true }) }, func(s *site) { s.store(func(f *shelfState) { f.full = false }) })
	case 1:
		p.pair(at, long, "cloud's store slow", func(s *site) { s.store(func(f *shelfState) { f.slow = slow }) }, func(s *site) { s.store(func(f *shelfState) { f.slow = 0 }) })
	case 2:
		p.pair(at, short, "plant silent", func(s *site) { s.trouble(func(p *plant) { p.silent = true }) }, func(s *site) { s.trouble(func(p *plant) { p.silent = false }) })
	case 3:
		p.pair(at, short, "wire cut", func(s *site) { s.trouble(func(p *plant) { p.cut = true }) }, func(s *site) { s.trouble(func(p *plant) { p.cut = false }) })
	case 4:
		p.pair(at, 0, "setpoint desired", (*site).desire, nil)
	case 5, 6:
		p.pair(at, long, fmt.Sprintf("clock set wrong by %v", off.Round(time.Second)), func(s *site) { s.mislead(off) }, func(s *site) { s.wall.set(0) })
	}
}
