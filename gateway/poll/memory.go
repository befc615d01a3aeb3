package poll

import (
	"time"

	"github.com/penstock-edge/penstock/adapters"
)

// Memory keeps what adapters learn of devices across restarts.
type Memory interface {
	// Lesson is what was kept of a device, nil when nothing was.
	Lesson(device string) []byte
	// Keep is called from the connection's goroutine, seldom.
	Keep(device string, lesson []byte) error
}

// keepEvery is how often what was learned is looked for: what a crash takes is learned again.
const keepEvery = 10 * time.Second

// Remember has the connection keep what its adapter learns. It is called before Run.
func (p *Poller) Remember(m Memory) { p.memory = m }

// recall tells an adapter that was just opened what is known of its devices.
func (p *Poller) recall() {
	learner, ok := p.adapter.(adapters.Learner)
	if !ok || p.memory == nil {
		return
	}
	for _, d := range p.conn.Devices {
		if lesson := p.memory.Lesson(d.Name); lesson != nil {
			learner.Recall(d.Name, lesson)
		}
	}
}

// keep asks the adapter for what it has learned, when the time has come, and always before it is closed.
func (p *Poller) keep(now bool) {
	learner, ok := p.adapter.(adapters.Learner)
	if !ok || p.memory == nil || !now && time.Since(p.kept) < keepEvery {
		return
	}
	p.kept = time.Now()
	for device, lesson := range learner.Lessons() {
		if err := p.memory.Keep(device, lesson); err != nil {
			p.log.Warn("what was learned of a device is not kept, and will be learned again after a restart", "device", device, "err", err)
		}
	}
}
