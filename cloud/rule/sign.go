package rule

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// HeaderSignature carries a webhook's signature: t=SECONDS,k=KEY ID,v1=HEX. HEX is the HMAC-SHA256, under the key, of SECONDS, a dot and
// the body, all as they were sent.
const HeaderSignature = "Penstock-Signature"

// Sign makes the value of HeaderSignature.
func Sign(keyID string, key []byte, at time.Time, body []byte) string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return "t=" + seconds + ",k=" + keyID + ",v1=" + hex.EncodeToString(mac(key, seconds, body))
}

func mac(key []byte, seconds string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(seconds + "."))
	h.Write(body)
	return h.Sum(nil)
}

// ErrSignature says that a request was not sent by whoever has the key, or not lately.
var ErrSignature = errors.New("the signature does not fit")

// Verify checks a signature as a receiver does. within is how old a request may be: whoever has seen an older one could send it again.
func Verify(signature string, key []byte, now time.Time, within time.Duration, body []byte) error {
	parts := map[string]string{}
	for part := range strings.SplitSeq(signature, ",") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	seconds, err := strconv.ParseInt(parts["t"], 10, 64)
	if err != nil {
		return fmt.Errorf("%w: it tells no time", ErrSignature)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > within || age < -within {
		return fmt.Errorf("%w: it was made %v ago", ErrSignature, age.Round(time.Second))
	}
	sum, err := hex.DecodeString(parts["v1"])
	if err != nil || !hmac.Equal(sum, mac(key, parts["t"], body)) {
		return ErrSignature
	}
	return nil
}
