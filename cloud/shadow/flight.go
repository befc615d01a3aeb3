package shadow

import "sync"

// flights counts the requests in flight of each connection. It holds the connections that have some and no others.
type flights struct {
	most int

	mu sync.Mutex
	of map[string]int
}

// begin counts a request in, unless its connection has the most it may have.
func (f *flights) begin(connection string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[connection] >= f.most {
		return false
	}
	f.of[connection]++
	return true
}

func (f *flights) end(connection string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[connection]--; f.of[connection] == 0 {
		delete(f.of, connection)
	}
}
