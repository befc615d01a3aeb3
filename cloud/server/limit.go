package server

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/penstock-edge/penstock/cloud/api"
)

// maxAddresses bounds the memory of a limit; beyond it everybody new shares one budget.
const maxAddresses = 10_000

// limit lets each address try something so often: guessing tokens gets slow. IPv6 addresses count by their /64, which one machine has whole.
type limit struct {
	every rate.Limit
	burst int

	mu     sync.Mutex
	of     map[netip.Addr]*rate.Limiter
	others *rate.Limiter
	swept  time.Time
}

func newLimit(every time.Duration, burst int) *limit {
	return &limit{every: rate.Every(every), burst: burst, of: map[netip.Addr]*rate.Limiter{}, others: rate.NewLimiter(rate.Every(every), burst)}
}

func (l *limit) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.allow(r.RemoteAddr, time.Now()) {
			w.Header().Set("Retry-After", "10")
			api.Fail(w, http.StatusTooManyRequests, "too_many", "too many attempts from your address: wait ten seconds")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (l *limit) allow(remote string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	key := network(remote)
	budget := l.of[key]
	if budget == nil {
		if len(l.of) >= maxAddresses {
			return l.others.AllowN(now, 1)
		}
		budget = rate.NewLimiter(l.every, l.burst)
		l.of[key] = budget
	}
	return budget.AllowN(now, 1)
}

// sweep forgets once a minute who has a full budget again.
func (l *limit) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	for key, budget := range l.of {
		if budget.TokensAt(now) >= float64(l.burst) {
			delete(l.of, key)
		}
	}
}

func network(remote string) netip.Addr {
	host, _, _ := net.SplitHostPort(remote)
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	address = address.Unmap()
	if address.Is6() {
		prefix, _ := address.Prefix(64)
		return prefix.Addr()
	}
	return address
}
