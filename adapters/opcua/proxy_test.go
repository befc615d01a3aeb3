package opcua_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between adapter and server and plays the network's tricks.
type proxy struct {
	t       *testing.T
	target  string
	address string
	sent    atomic.Int64 // bytes towards the server

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	silent   chan struct{} // nil: data flows; else closed when it flows again
	running  sync.WaitGroup
}

func startProxy(t *testing.T, endpoint string) *proxy {
	t.Helper()
	p := &proxy{t: t, target: strings.TrimPrefix(endpoint, "opc.tcp://"), address: "127.0.0.1:0"}
	p.restore()
	t.Cleanup(func() {
		p.speak()
		p.cut()
		p.running.Wait()
	})
	return p
}

func (p *proxy) endpoint() string { return "opc.tcp://" + p.address }

// restore listens, on the port of the first time.
func (p *proxy) restore() {
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listener, p.address = l, l.Addr().String()
	p.mu.Unlock()
	p.running.Go(func() { p.serve(l) })
}

// cut closes every connection and the port.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener.Close()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// silence is a black hole: connections stay open and nothing comes through.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent == nil {
		p.silent = make(chan struct{})
	}
}

func (p *proxy) speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent != nil {
		close(p.silent)
		p.silent = nil
	}
}

func (p *proxy) serve(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.running.Go(func() { p.pump(server, client, &p.sent) })
		p.running.Go(func() { p.pump(client, server, new(atomic.Int64)) })
	}
}

func (p *proxy) pump(to, from net.Conn, count *atomic.Int64) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		silent := p.silent
		p.mu.Unlock()
		if silent != nil {
			<-silent
		}
		count.Add(int64(n))
		if _, werr := to.Write(buf[:n]); werr != nil || err == io.EOF || err != nil {
			return
		}
	}
}
