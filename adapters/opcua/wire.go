package opcua

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/gopcua/opcua/uacp"
)

// wire holds on to the socket of a session. The library waits in places that no context reaches (a lock
// held while keys are renewed, a write into a full buffer); shutting the socket down wakes all of them.
type wire struct {
	mu  sync.Mutex
	raw syscall.RawConn
}

// dialer dials for the library. TCP's own keep-alive finds a dead peer that a subscription without
// watch would wait for; the acknowledgement is a copy, as the library's default is shared.
func (w *wire) dialer(timeout time.Duration) *uacp.Dialer {
	acknowledge := *uacp.DefaultClientACK
	return &uacp.Dialer{
		ClientACK: &acknowledge,
		Dialer: &net.Dialer{
			Timeout:         timeout,
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
			ControlContext: func(_ context.Context, _, _ string, raw syscall.RawConn) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.raw = raw
				return nil
			},
		},
	}
}

// cut shuts the socket down in both directions. It may come at any time and more than once.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.raw == nil {
		return
	}
	// An error says that the socket is closed already, which is what is wanted.
	_ = w.raw.Control(func(fd uintptr) { _ = syscall.Shutdown(int(fd), syscall.SHUT_RDWR) })
}
