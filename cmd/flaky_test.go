package cmd_test

import (
	"flag"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var flakyFor = flag.Duration("flaky", 5*time.Second, "R10: how long the line is bad")

// flaky is a line to a server as bad as a line can be under TCP: three of ten pieces that pass are late, as if they had been lost and sent again, one connection
// in a while is reset, and of one in a while the server's words are lost before it is: what it has acknowledged nobody hears.
type flaky struct {
	to   string
	bad  atomic.Bool
	line net.Listener

	resets, deaf, late, bytes atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]bool
	all   sync.WaitGroup
}

func newFlaky(t testing.TB, to string) *flaky {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &flaky{to: to, line: l, conns: map[net.Conn]bool{}}
	f.all.Go(f.serve)
	t.Cleanup(func() {
		l.Close()
		f.cut()
		f.all.Wait()
	})
	return f
}

func (f *flaky) address() string { return f.line.Addr().String() }

func (f *flaky) serve() {
	for {
		client, err := f.line.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", f.to)
		if err != nil {
			client.Close()
			continue
		}
		f.mu.Lock()
		f.conns[client], f.conns[server] = true, true
		f.mu.Unlock()
		var deaf atomic.Bool
		f.all.Go(func() { f.pass(server, client, &deaf, false) })
		f.all.Go(func() { f.pass(client, server, &deaf, true) })
	}
}

// cut resets every connection.
func (f *flaky) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		_ = c.(*net.TCPConn).SetLinger(0) // a reset, not a farewell
		c.Close()
		delete(f.conns, c)
	}
}

// pass carries one direction until the connection ends.
func (f *flaky) pass(to, from net.Conn, deaf *atomic.Bool, answers bool) {
	defer to.Close()
	defer from.Close()
	piece := make([]byte, 2048) // what a segment carries, more or less
	for {
		n, err := from.Read(piece)
		if err != nil {
			return
		}
		f.bytes.Add(int64(n))
		if f.bad.Load() {
			switch luck := rand.IntN(1000); {
			case luck < 15:
				f.resets.Add(1)
				_ = to.(*net.TCPConn).SetLinger(0)
				_ = from.(*net.TCPConn).SetLinger(0)
				return
			case luck < 30 && deaf.CompareAndSwap(false, true):
				f.deaf.Add(1)
				time.AfterFunc(300*time.Millisecond, func() { to.Close(); from.Close() })
			case luck < 330:
				f.late.Add(1)
				time.Sleep(time.Duration(20+rand.IntN(80)) * time.Millisecond)
			}
		}
		if answers && deaf.Load() {
			continue // said, and never heard
		}
		if _, err := to.Write(piece[:n]); err != nil && err != io.EOF {
			return
		}
	}
}

// TestR10_ABadLineAndAServerThatDies: whatever the line loses, delays and repeats, and however often the cloud is killed, each block is stored once, and
// no gap is left.
func TestR10_ABadLineAndAServerThatDies(t *testing.T) {
	t.Parallel()
	s := newCounterSite(t, 2)
	line := newFlaky(t, s.mqtt)
	s.edit(s.config(), "mqtts://"+s.mqtt, "mqtts://"+line.address(), "every: 2s", "every: 100ms")
	s.startGateway()
	until(t, 30*time.Second, "the first samples are stored", func() bool { return s.now().Targets[0].SentSamples > 0 })
	line.bad.Store(true)
	kills := 0
	for began := time.Now(); time.Since(began) < *flakyFor; kills++ {
		time.Sleep(min(*flakyFor, 10*time.Second))
		s.cloud.kill()
		s.startCloud()
	}
	line.bad.Store(false)
	s.rest()
	until(t, time.Minute, "everything is stored", func() bool { st := s.now(); return st.Buffer.Records == 0 && st.Buffer.Samples == 0 })
	kept := s.now().SamplesKept
	s.gateway.stop()
	a := s.audit() // twice stored, out of order, a gap in the ledger: it says so
	if uint64(len(a.stored)) != kept || len(a.missing) > 0 {
		t.Errorf("%d samples kept, %d stored, %d missing", kept, len(a.stored), len(a.missing))
	}
	blocks, repeats := uint64(0), uint64(0)
	for _, e := range s.ledger().Epochs {
		blocks, repeats = blocks+e.StoredBlocks, repeats+e.Repeats
	}
	t.Logf("R10: %d blocks of %d samples stored once, %d came again; %d pieces late, %d resets, %d times deaf, the cloud killed %d times", blocks, kept, repeats, line.late.Load(), line.resets.Load(), line.deaf.Load(), kills)
}
