package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mochi-mqtt/server/v2/packets"
)

// Whatever the error, what the MQTT library gets is a packets.Code by its own type: it takes a plain error for success.
func TestCodeIsBare(t *testing.T) {
	for _, c := range []struct {
		err  error
		want byte
	}{
		{ErrPayload, 0x99},
		{fmt.Errorf("block 7: %w", ErrPayload), 0x99},
		{fmt.Errorf("store: %w", ErrBusy), 0x97},
		{fmt.Errorf("store: %w", context.DeadlineExceeded), 0x97},
		{context.Canceled, 0x97},
		{ErrForbidden, 0x87},
		{ErrUnavailable, 0x88},
		{ErrTopic, 0x90},
		{ErrTooLarge, 0x95},
		{ErrRetain, 0x9A},
		{errors.New("something nobody thought of"), 0x80},
		{fmt.Errorf("wrapped: %w", packets.ErrQuotaExceeded), 0x80},
		{packets.CodeSuccess, 0x80},
		{packets.ErrRejectPacket, 0x80},
	} {
		var err error = code(c.err)
		if got, ok := err.(packets.Code); !ok || got.Code != c.want {
			t.Errorf("%v became %#v, want 0x%02X", c.err, err, c.want)
		}
		if code(c.err) == packets.ErrRejectPacket || code(c.err) == packets.CodeSuccessIgnore {
			t.Errorf("%v became a code that the library reads as something else", c.err)
		}
	}
}

// What nobody thought of may hold anything: it is logged here and not told to the client.
func TestCodeKeepsUnknownErrorsToItself(t *testing.T) {
	if got := code(errors.New("password=hunter2")).Reason; strings.Contains(got, "hunter2") {
		t.Fatalf("the client is told %q", got)
	}
}

func TestReasonIsAnMQTTString(t *testing.T) {
	got := code(fmt.Errorf("%w: a\x00b\n%s", ErrPayload, strings.Repeat("ä", 400))).Reason
	if len(got) > maxReason || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n") {
		t.Fatalf("%q", got)
	}
}

func TestConnackCodeOf311(t *testing.T) {
	for err, want := range map[error]byte{ErrForbidden: 5, ErrUnavailable: 3, ErrBusy: 3, errors.New("?"): 5} {
		if got := packets.V5CodesToV3[connackCode(err, 4)].Code; got != want {
			t.Errorf("%v: %d, want %d", err, got, want)
		}
	}
	if got := connackCode(ErrForbidden, 5).Code; got != 0x87 {
		t.Errorf("MQTT 5: 0x%02X", got)
	}
}

func TestSDK(t *testing.T) {
	for in, want := range map[string]string{
		"?SDK=JavaScript&Version=2.2.16":                    "JavaScript 2.2.16",
		"?SDK=IoTDeviceSDK/JS&Platform=Unix&Metadata=(a=b)": "IoTDeviceSDK/JS",
		"anna": "", "": "", "?%zz": "", "?SDK=" + strings.Repeat("x", 5000): "",
	} {
		if got := sdk([]byte(in)); got != want {
			t.Errorf("%.40q: %q, want %q", in, got, want)
		}
	}
}
