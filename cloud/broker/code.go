package broker

import (
	"context"
	"errors"
	"strings"

	"github.com/mochi-mqtt/server/v2/packets"
)

// What Authenticate and Deliver may answer; wrap them with what the client should know. Any other error is told as "unspecified error".
var (
	ErrForbidden   = errors.New("not authorised")                    // 0x87
	ErrUnavailable = errors.New("the server cannot answer just now") // 0x88, on connecting
	ErrTopic       = errors.New("topic name invalid")                // 0x90
	ErrRetain      = errors.New("not retained")                      // 0x9A; the topic has no retained messages
	ErrTooLarge    = errors.New("too large")                         // 0x95
	ErrBusy        = errors.New("busy: send it again later")         // 0x97; the store is full or slow
	ErrPayload     = errors.New("payload is not what the topic promises")
)

// maxReason bounds the reason string that goes back to a client, in bytes.
const maxReason = 256

// code is the one place where an error becomes an MQTT 5 reason code (2.4). What it returns is bare: the MQTT library takes a plain error
// for success (the client would forget a message that is not stored) and panics at a wrapped code.
func code(err error) packets.Code {
	base := bare(err)
	if base.Code != packets.ErrUnspecifiedError.Code {
		base.Reason = clean(err.Error())
	}
	return base
}

func bare(err error) packets.Code {
	switch {
	case errors.Is(err, ErrPayload):
		return packets.ErrPayloadFormatInvalid
	case errors.Is(err, ErrForbidden):
		return packets.ErrNotAuthorized
	case errors.Is(err, ErrTopic):
		return packets.ErrTopicNameInvalid
	case errors.Is(err, ErrRetain):
		return packets.ErrRetainNotSupported
	case errors.Is(err, ErrTooLarge):
		return packets.ErrPacketTooLarge
	case errors.Is(err, ErrUnavailable):
		return packets.ErrServerUnavailable
	case errors.Is(err, ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return packets.ErrQuotaExceeded
	}
	return packets.ErrUnspecifiedError
}

// connackCode is code for a CONNACK: MQTT 3.1.1 knows five refusals only (3.2.2.3), and the library's table of them lacks "not authorised",
// whose place it gives to another.
func connackCode(err error, version byte) packets.Code {
	c := code(err)
	if version >= 5 {
		return c
	}
	if c.Code == packets.ErrServerUnavailable.Code || c.Code == packets.ErrQuotaExceeded.Code {
		return packets.ErrServerUnavailable // 3
	}
	return packets.ErrBadUsernameOrPassword // told as 5, not authorised
}

// clean makes an MQTT UTF-8 string (1.5.4) of a text: no control characters, not too long.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			return ' '
		}
		return r
	}, text)
	return strings.ToValidUTF8(text[:min(len(text), maxReason)], "")
}
