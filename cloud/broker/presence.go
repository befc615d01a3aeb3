package broker

import (
	"errors"
	"net"
	"os"

	"github.com/mochi-mqtt/server/v2/packets"
)

// Presence is the beginning or the end of a connection.
type Presence struct {
	Client    Client
	Connected bool
	Reason    string // why it ended, by AWS IoT's names: CONNECTION_LOST, MQTT_KEEP_ALIVE_TIMEOUT, ...
}

// reason names why a connection ended. cause is what the server stopped it for, err what its reader met.
func reason(cause, err error) string {
	var code packets.Code
	if errors.As(cause, &code) {
		if name, ok := causes[code.Code]; ok && code.Code != 0 {
			return name
		}
		if code == packets.CodeDisconnect {
			return "CLIENT_INITIATED_DISCONNECT"
		}
	}
	var timeout net.Error
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "MQTT_KEEP_ALIVE_TIMEOUT"
	case errors.As(err, &code):
		return "CLIENT_ERROR"
	}
	return "CONNECTION_LOST"
}

var causes = map[byte]string{
	packets.CodeDisconnectWillMessage.Code: "CLIENT_INITIATED_DISCONNECT",
	packets.ErrSessionTakenOver.Code:       "DUPLICATE_CLIENTID",
	packets.ErrServerShuttingDown.Code:     "SERVER_INITIATED_DISCONNECT",
	packets.ErrNotAuthorized.Code:          "FORBIDDEN_ACCESS",
	packets.ErrQuotaExceeded.Code:          "THROTTLED",
	packets.ErrReceiveMaximum.Code:         "CLIENT_ERROR",
	packets.ErrPayloadFormatInvalid.Code:   "CLIENT_ERROR",
	packets.ErrTopicNameInvalid.Code:       "CLIENT_ERROR",
}
