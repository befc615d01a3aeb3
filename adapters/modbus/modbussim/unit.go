package modbussim

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/penstock-edge/penstock/adapters/modbus"
)

// Unit is one device: its tables and how it behaves.
type Unit struct {
	*Bank

	mu       sync.Mutex
	silent   bool
	deafTo   byte
	refuses  modbus.Exception
	delay    func() time.Duration
	requests int64
	most     int
	tooMany  modbus.Exception
	answer   func(request, response []byte) []byte
}

// Silent makes the unit take requests and say nothing.
func (u *Unit) Silent(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.silent = on
}

// DeafTo makes the unit ignore one function without an exception, as some devices do with those they do not know.
func (u *Unit) DeafTo(function byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.deafTo = function
}

// Refuse makes the unit answer everything with an exception; 0 ends it.
func (u *Unit) Refuse(e modbus.Exception) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.refuses = e
}

// Limit makes the unit refuse requests for more than so many registers or bits, with the exception given; 0 ends it.
func (u *Unit) Limit(most int, e modbus.Exception) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.most, u.tooMany = most, e
}

// Delay makes every answer late by what the function says; nil ends it. It is called from the serving goroutine.
func (u *Unit) Delay(by func() time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.delay = by
}

// Garble lets a function change answers (without their frame) before they are sent; nil ends it, and an empty answer is not sent.
func (u *Unit) Garble(change func(request, response []byte) []byte) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answer = change
}

// Requests counts what the unit was asked.
func (u *Unit) Requests() int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.requests
}

// serve is the answer to a request, empty when the unit says nothing, and how long it takes.
func (u *Unit) serve(request []byte) (response []byte, late time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.requests++
	if u.delay != nil {
		late = u.delay()
	}
	switch {
	case u.silent || u.deafTo == request[0]:
		return nil, late
	case u.refuses != 0:
		response = []byte{request[0] | 0x80, byte(u.refuses)}
	case u.most > 0 && len(request) == 5 && request[0] <= 4 && int(binary.BigEndian.Uint16(request[3:])) > u.most:
		response = []byte{request[0] | 0x80, byte(u.tooMany)}
	default:
		response = u.handle(request)
	}
	if u.answer != nil {
		response = u.answer(request, response)
	}
	return response, late
}
