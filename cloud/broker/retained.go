package broker

import (
	"fmt"
	"sync"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Limits of retained messages, which stay in memory.
const (
	maxRetained     = 64       // of a thing
	maxServer       = 4096     // of the server itself
	maxRetainedSize = 16 << 10 // bytes of one
)

// retained keeps account of who holds how many retained messages.
type retained struct {
	mu     sync.Mutex
	topics map[string]string // topic -> the thing that published it
	count  map[string]int    // by thing
}

func newRetained() *retained {
	return &retained{topics: map[string]string{}, count: map[string]int{}}
}

// room reports whether a thing may retain a message on a topic. An empty one removes what is there and always may.
func (r *retained) room(thing, topic string, size int) error {
	if size > maxRetainedSize {
		return fmt.Errorf("%w: a retained message of %d bytes; at most %d are allowed", ErrTooLarge, size, maxRetainedSize)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	most, who := maxRetained, thing
	if thing == "" {
		most, who = maxServer, "the server"
	}
	if _, there := r.topics[topic]; !there && size > 0 && r.count[thing] >= most {
		return fmt.Errorf("%w: %s holds %d retained messages already; publish empty ones to remove some", ErrBusy, who, most)
	}
	return nil
}

func (r *retained) put(thing, topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(topic)
	r.topics[topic] = thing
	r.count[thing]++
}

func (r *retained) remove(topic string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(topic)
}

func (r *retained) drop(topic string) {
	thing, there := r.topics[topic]
	if !there {
		return
	}
	delete(r.topics, topic)
	if r.count[thing]--; r.count[thing] == 0 {
		delete(r.count, thing)
	}
}

// OnRetainMessage is told that a retained message was set, or removed when it is empty.
func (h *hook) OnRetainMessage(cl *mqtt.Client, pk packets.Packet, _ int64) {
	if len(pk.Payload) == 0 {
		h.retained.remove(pk.TopicName)
		return
	}
	thing := "" // the server's own
	if !cl.Net.Inline {
		thing = peerOf(cl).client.Thing
	}
	h.retained.put(thing, pk.TopicName)
}

func (h *hook) OnRetainedExpired(topic string) { h.retained.remove(topic) }
