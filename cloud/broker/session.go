package broker

import "sync"

// sessions counts the sessions of each thing, so that one thing cannot fill the memory with them: a session may outlive its connection.
type sessions struct {
	mu   sync.Mutex
	of   map[string]map[string]bool // thing -> session key -> connected now
	live int
}

func newSessions() *sessions { return &sessions{of: map[string]map[string]bool{}} }

// room reports whether a thing may have a session of this key.
func (s *sessions) room(thing, key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.of[thing][key]
	return there || len(s.of[thing]) < maxSessions
}

func (s *sessions) begin(thing, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of[thing] == nil {
		s.of[thing] = map[string]bool{}
	}
	s.of[thing][key] = true
	s.live++
}

// end takes a connection away, and its session too when that ends with it.
func (s *sessions) end(thing, key string, forget bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
	if forget {
		s.remove(thing, key)
	} else {
		s.of[thing][key] = false
	}
}

// expire forgets a session that was away too long.
func (s *sessions) expire(thing, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(thing, key)
}

func (s *sessions) remove(thing, key string) {
	delete(s.of[thing], key)
	if len(s.of[thing]) == 0 {
		delete(s.of, thing)
	}
}

func (s *sessions) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}
