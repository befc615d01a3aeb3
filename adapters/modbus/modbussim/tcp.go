package modbussim

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
)

// ServeTCP serves Modbus TCP until ctx ends, which closes ln and every connection.
func (s *Server) ServeTCP(ctx context.Context, ln net.Listener) error {
	return s.accept(ctx, ln, s.talkTCP)
}

// ServeRTUOverTCP serves RTU frames on TCP connections, as a device server does.
func (s *Server) ServeRTUOverTCP(ctx context.Context, ln net.Listener) error {
	return s.accept(ctx, ln, s.talkRTU)
}

// accept runs talk on every connection and returns when all have ended.
func (s *Server) accept(ctx context.Context, ln net.Listener, talk func(context.Context, io.ReadWriteCloser) error) error {
	var running sync.WaitGroup
	defer running.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept Modbus connections: %w", err)
		}
		running.Go(func() {
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
			if err := talk(ctx, conn); err != nil && ctx.Err() == nil {
				s.log.Debug("a client is gone", "client", conn.RemoteAddr(), "why", err)
			}
		})
	}
}

// talkTCP serves one client. What is no Modbus TCP ends the connection, as the standard says.
func (s *Server) talkTCP(ctx context.Context, conn io.ReadWriteCloser) error {
	var in [260]byte
	for {
		if _, err := io.ReadFull(conn, in[:7]); err != nil {
			return err
		}
		size := int(binary.BigEndian.Uint16(in[4:]))
		if binary.BigEndian.Uint16(in[2:]) != 0 || size < 2 || size > 254 {
			return fmt.Errorf("%x is no Modbus TCP", in[:7])
		}
		request := in[7 : 6+size]
		if _, err := io.ReadFull(conn, request); err != nil {
			return err
		}
		response := s.answer(ctx, in[6], request)
		if len(response) == 0 {
			continue
		}
		frame := append([]byte(nil), in[:7]...)
		binary.BigEndian.PutUint16(frame[4:], uint16(1+len(response)))
		if _, err := conn.Write(append(frame, response...)); err != nil {
			return err
		}
	}
}

// answer asks the unit and waits as long as it takes.
func (s *Server) answer(ctx context.Context, id byte, request []byte) []byte {
	u := s.Unit(id)
	if u == nil {
		return nil
	}
	response, late := u.serve(request)
	if !wait(ctx, late) {
		return nil
	}
	return response
}
