package outlet

import "golang.org/x/time/rate"

// Limits are what a broker takes of one connection. Zero: no limit.
type Limits struct {
	Payload  int     // bytes of a message
	Bytes    float64 // a second
	Messages float64 // a second
}

// AWS are the limits of AWS IoT Core: 128 KB a message, 512 KB and 100 publishes a second and connection. What a pace lets through at once counts towards its
// second, and is left out of it here.
// https://docs.aws.amazon.com/general/latest/gr/iot-core.html#message-broker-limits
var AWS = Limits{Payload: 128_000, Bytes: 512_000 - 128_000, Messages: 100 - burst}

const burst = 10 // messages

// Pace gives the limiters of bytes and messages; nil where there is no limit.
func (l Limits) Pace() (bytes, messages *rate.Limiter) {
	if l.Bytes > 0 {
		bytes = rate.NewLimiter(rate.Limit(l.Bytes), max(l.Payload, 1))
	}
	if l.Messages > 0 {
		messages = rate.NewLimiter(rate.Limit(l.Messages), burst)
	}
	return bytes, messages
}
