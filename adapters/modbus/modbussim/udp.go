package modbussim

import (
	"context"
	"fmt"
	"net"
)

// ServeRTUOverUDP serves RTU frames, a request and an answer a datagram, until ctx ends, which closes conn.
func (s *Server) ServeRTUOverUDP(ctx context.Context, conn net.PacketConn) error {
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	buf := make([]byte, 4*longest)
	for {
		n, from, err := conn.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve RTU over UDP: %w", err)
		}
		if frame, _ := cut(buf[:n]); frame != nil {
			if err := s.reply(ctx, datagrams{conn, from}, frame); err != nil {
				s.log.Debug("an answer was not sent", "client", from, "why", err)
			}
		}
	}
}

// datagrams sends what is written to one client.
type datagrams struct {
	conn net.PacketConn
	to   net.Addr
}

func (d datagrams) Write(frame []byte) (int, error) { return d.conn.WriteTo(frame, d.to) }
