package broker

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/semaphore"
)

// What all packets that are under way may take of the memory. Each is there twice while it is decoded, and stays until whoever takes it has
// answered: a store that takes nothing holds up those who send, and not their bytes.
const (
	packetBudget = 128 << 20
	freePacket   = 4 << 10 // smaller ones pass: pings, subscriptions and acknowledgements wait for nobody
	slowestLink  = 8 << 10 // bytes a second at which a packet must come in, beside packetGrace
	packetGrace  = 10 * time.Second
)

// budget is what is left of packetBudget.
type budget struct{ *semaphore.Weighted }

func newBudget() budget { return budget{semaphore.NewWeighted(packetBudget)} }

// take waits until there is room for a packet, as long as for an acknowledgement.
func (b budget) take(ctx context.Context, bytes int) error {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	if err := b.Acquire(ctx, int64(2*bytes)); err != nil {
		return fmt.Errorf("%w: packets of %d MiB are under way", ErrBusy, packetBudget>>20)
	}
	return nil
}

func (b budget) give(bytes int) { b.Release(int64(2 * bytes)) }

// Read gives the library a packet's header only when there is room for the packet: it takes memory for what a header says before a byte of it has
// come. It reads packet by packet, so when it asks for the next the last is done with. One goroutine calls it.
func (p *peer) Read(b []byte) (int, error) {
	if p.header == 0 && p.rest == 0 {
		p.done()
		if err := p.begin(); err != nil {
			return 0, err
		}
	}
	if p.header > 0 {
		n := copy(b, p.head[len(p.head)-p.header:])
		p.header -= n
		return n, nil
	}
	n, err := p.Conn.Read(b[:min(len(b), p.rest)])
	p.rest -= n
	return n, err
}

// begin reads the fixed header of the next packet (MQTT 5, 2.1): a type, and a length of one to four bytes.
func (p *peer) begin() error {
	var head [5]byte
	n, length, shift := 0, 0, 0
	for more := true; more && n < len(head); n++ {
		if _, err := io.ReadFull(p.Conn, head[n:n+1]); err != nil {
			return err
		}
		if n > 0 {
			length |= int(head[n]&0x7F) << shift
			shift += 7
			more = head[n] >= 0x80
		}
	}
	if length > freePacket && length <= p.largest { // a larger one the library refuses by its header
		if err := p.budget.take(p.running, length); err != nil {
			return err
		}
		p.taken = length
		if p.client.Thing != "" { // before CONNECT there is a deadline, which stays
			_ = p.Conn.SetReadDeadline(time.Now().Add(packetGrace + time.Duration(length/slowestLink)*time.Second))
		}
	}
	copy(p.head[len(p.head)-n:], head[:n])
	p.header, p.rest = n, length
	return nil
}

// done gives back what the last packet took.
func (p *peer) done() {
	if p.taken > 0 {
		p.budget.give(p.taken)
		p.taken = 0
	}
}
