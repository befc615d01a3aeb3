package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"
)

// network carries connections between the gateway's side and the cloud's. Its latencies are drawn from a source for each connection, by the
// order in which they are made.
type network struct {
	seed uint64

	mu        sync.Mutex
	listeners map[string]*listener
	links     map[*link]bool
	made      uint64
	base      time.Duration // one way, at least
	spread    time.Duration // and up to so much more
	rate      float64       // bytes a second; 0: any
	dark      int           // faults during which nothing passes
}

func newNetwork(seed uint64) *network {
	return &network{seed: seed, listeners: map[string]*listener{}, links: map[*link]bool{}, base: 20 * time.Millisecond, spread: 60 * time.Millisecond}
}

// link is a connection: a is who dialled, b who listened.
type link struct {
	net    *network
	a, b   *socket
	random *rand.Rand // guarded by net.mu
	gone   [2]bool    // the machine at that end lost its power: nobody there to say so
}

type listener struct {
	net      *network
	at       address
	incoming chan net.Conn
	done     chan struct{}
	once     sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.incoming:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Addr() net.Addr { return l.at }

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.net.mu.Lock()
		defer l.net.mu.Unlock()
		if l.net.listeners[string(l.at)] == l {
			delete(l.net.listeners, string(l.at))
		}
	})
	return nil
}

func (n *network) listen(at string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{net: n, at: address(at), incoming: make(chan net.Conn, 64), done: make(chan struct{})}
	n.listeners[at] = l
	return l, nil
}

// dial reaches for a listener: a network that is dark swallows the attempt.
func (n *network) dial(ctx context.Context, to string) (net.Conn, error) {
	for {
		if err := pause(ctx, 2*n.latency()); err != nil {
			return nil, err
		}
		n.mu.Lock()
		dark, l := n.dark > 0, n.listeners[to]
		n.mu.Unlock()
		if dark {
			if err := pause(ctx, time.Second); err != nil {
				return nil, err
			}
			continue
		}
		if l == nil {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		k := n.connect(to)
		select {
		case l.incoming <- k.b:
			return k.a, nil
		case <-l.done:
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (n *network) connect(to string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.made++
	k := &link{net: n, random: rand.New(rand.NewPCG(n.seed, n.made))}
	there, back := newPipe(), newPipe()
	from := address(fmt.Sprintf("10.0.0.1:%d", 10000+n.made%50000))
	k.a = &socket{link: k, in: back, out: there, from: from, to: address(to)}
	k.b = &socket{link: k, in: there, out: back, from: address(to), to: from}
	n.links[k] = true
	return k
}

func (n *network) latency() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.base + n.spread/2
}

// carry takes what one end wrote.
func (k *link) carry(s *socket, b []byte) error {
	n := k.net
	n.mu.Lock()
	d := n.base + time.Duration(k.random.Int64N(int64(n.spread)+1))
	if n.rate > 0 {
		d += time.Duration(float64(len(b)) / n.rate * float64(time.Second))
	}
	there := s == k.a
	lost := k.gone[1] && there || k.gone[0] && !there
	n.mu.Unlock()
	s.in.mu.Lock()
	reset := s.in.reset
	s.in.mu.Unlock()
	if reset != nil {
		return reset
	}
	if lost && s.out.isHeld() {
		return nil
	}
	if lost { // who comes back after a power cut knows nothing of the connection, and says so
		k.reset()
		return nil
	}
	s.out.send(b, d)
	return nil
}

// closed tells the other end when what is under way has arrived; one without power tells nobody.
func (k *link) closed(s *socket) {
	k.net.mu.Lock()
	d, silent := k.net.base, k.gone[0] && s == k.a || k.gone[1] && s == k.b
	if k.a.isClosed() && k.b.isClosed() {
		delete(k.net.links, k)
	}
	k.net.mu.Unlock()
	s.in.abort(net.ErrClosed)
	if !silent {
		s.out.finish(d)
	}
}

// reset ends the connection for both.
func (k *link) reset() {
	for _, s := range []*socket{k.a, k.b} {
		s.in.abort(errReset)
	}
}

// each calls do with the connections that there are.
func (n *network) each(do func(*link)) {
	n.mu.Lock()
	links := make([]*link, 0, len(n.links))
	for k := range n.links {
		links = append(links, k)
	}
	n.mu.Unlock()
	for _, k := range links {
		do(k)
	}
}

// cut resets every connection.
func (n *network) cut() { n.each((*link).reset) }

// hold stops both directions of every connection, or lets them go on.
func (n *network) hold(held bool) {
	n.each(func(k *link) {
		k.a.out.hold(held, n.latency())
		k.b.out.hold(held, n.latency())
	})
}

// mute stops what the cloud says, acknowledgements with it.
func (n *network) mute() {
	n.each(func(k *link) { k.b.out.hold(true, 0) })
}

// darken has nothing pass, neither old connections nor new ones.
func (n *network) darken(dark bool) {
	n.mu.Lock()
	if dark {
		n.dark++
	} else {
		n.dark--
	}
	held := n.dark > 0
	n.mu.Unlock()
	n.hold(held)
}

// slow sets how long a way takes and how many bytes a second pass.
func (n *network) slow(base, spread time.Duration, rate float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.base, n.spread, n.rate = base, spread, rate
}

// unplug takes the power from one end (0: who dialled) of every connection: the other end hears nothing of it until it writes.
func (n *network) unplug(end int) {
	n.each(func(k *link) {
		n.mu.Lock()
		k.gone[end] = true
		n.mu.Unlock()
		[]*socket{k.a, k.b}[end].in.abort(errReset)
	})
}

// vanish takes listeners away with whoever listened.
func (n *network) vanish(at ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range at {
		delete(n.listeners, a)
	}
}

func (n *network) darkness() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dark
}
