package broker

import (
	"crypto/x509"
	"net/url"
	"strings"
)

// Client is one connection as the broker's user sees it.
type Client struct {
	Thing       string // who it speaks for: Authenticate's word; empty when a person asks
	Person      string // who posts over HTTPS without being a thing
	ID          string // its MQTT client id, or the one it was given; n/a over HTTPS
	Address     string // host:port
	Certificate *x509.Certificate
	Version     byte   // 3, 4 (3.1.1) or 5
	SDK         string // what it says of its library in the user name: "IoTDeviceSDK/JS 1.21"; never a credential
}

const maxSDK = 128

// sdk reads AWS's device SDKs' user name, "?SDK=JavaScript&Version=2.2.16": metadata that names the library. Whatever else stands in a
// user name is nothing to us, for the certificate has spoken.
func sdk(username []byte) string {
	_, query, found := strings.Cut(string(username), "?")
	if !found || len(query) > 4096 {
		return ""
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	name := strings.TrimSpace(values.Get("SDK") + " " + values.Get("Version"))
	return strings.ToValidUTF8(name[:min(len(name), maxSDK)], "")
}
