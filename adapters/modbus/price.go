package modbus

import "time"

// price is what requests cost in time: something each, and something for each register. It is measured, from a first guess on.
type price struct {
	fixed, each float64 // seconds; the present estimate
	line        bool    // each is known from the line's speed
	n, x, y     float64 // sums over the readings, of which older ones count less
	xx, xy      float64
}

// fade is what a reading still counts after the next.
const fade = 0.98

// startingPrice is the guess: a request and an answer's frame on the line and half as much for the device, or a network's way there and back.
func (c *Connection) startingPrice() price {
	line := c.line()
	switch c.Modbus {
	case RTU:
		overhead := 20*line.character() + 2*line.silence()
		return price{fixed: (overhead + overhead/2).Seconds(), each: (2 * line.character()).Seconds(), line: true}
	case TCP, TLS:
		return price{fixed: 1e-3, each: 1e-6}
	}
	return price{fixed: 20e-3, each: 1e-3}
}

// add learns from one request that was answered.
func (p *price) add(registers int, took time.Duration) {
	x, y := float64(registers), took.Seconds()
	p.n, p.x, p.y = fade*p.n+1, fade*p.x+x, fade*p.y+y
	p.xx, p.xy = fade*p.xx+x*x, fade*p.xy+x*y
	if spread := p.n*p.xx - p.x*p.x; !p.line && p.n > 10 && spread > p.n*p.n {
		p.each = max(0, (p.n*p.xy-p.x*p.y)/spread)
	}
	if fixed := (p.y - p.each*p.x) / p.n; fixed > 0 {
		p.fixed = fixed
	}
}

// gap is how many registers that nobody needs are cheaper than a request more.
func (p *price) gap() int {
	if p.each*maxRegisters <= p.fixed {
		return maxRegisters
	}
	return int(p.fixed / p.each)
}
