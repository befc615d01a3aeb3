package opcua

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopcua/opcua/ua"

	"github.com/penstock-edge/penstock/adapters"
)

func TestMistakesInAConnectionAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Connection)
		key    string // empty: no mistake
		says   string
	}{
		"as it comes":                {func(*Connection) {}, "", ""},
		"another scheme":             {func(c *Connection) { c.URL = "opc.https://plc" }, "opcua", "opc.tcp://host:port"},
		"no host":                    {func(c *Connection) { c.URL = "opc.tcp://:4840" }, "opcua", "names no host"},
		"password in the URL":        {func(c *Connection) { c.URL = "opc.tcp://gw:secret@plc" }, "opcua", "use user and password_file"},
		"None":                       {func(c *Connection) { c.Security = "None" }, "security", "insecure: true"},
		"None, said twice":           {func(c *Connection) { c.Security, c.Insecure = "none", true }, "", ""},
		"policy alone":               {func(c *Connection) { c.Security = "basic256sha256" }, "", ""},
		"unknown policy":             {func(c *Connection) { c.Security = "Basic512/Sign" }, "security", "known are"},
		"unknown mode":               {func(c *Connection) { c.Security = "Basic256Sha256/Encrypt" }, "security", "SignAndEncrypt and Sign"},
		"user without a password":    {func(c *Connection) { c.User = "gw" }, "password_file", "no password"},
		"password without a user":    {func(c *Connection) { c.PasswordFile = "x" }, "user", "no user"},
		"two passwords":              {func(c *Connection) { c.User, c.Password, c.PasswordFile = "gw", "a", "b" }, "password", "keep one"},
		"cert without key":           {func(c *Connection) { c.Cert = "own.pem" }, "key", "needs its key"},
		"key without cert":           {func(c *Connection) { c.Key = "own.key" }, "cert", "needs its cert"},
		"cert and pki":               {func(c *Connection) { c.Cert, c.Key, c.PKI = "a", "b", "c" }, "pki", "leave it out"},
		"fingerprint of half length": {func(c *Connection) { c.Trust = "sha256:1234" }, "trust", "64 hexadecimal digits"},
		"no publishing interval":     {func(c *Connection) { c.Publish = 0 }, "publish", "less than"},
	} {
		connection := Kind().New().(*Connection)
		connection.URL = "opc.tcp://plc:4840"
		c.change(connection)
		err := connection.Validate()
		var mistake *adapters.KeyError
		switch {
		case c.key == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.key != "" && (!errors.As(err, &mistake) || mistake.Key != c.key || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v; want a mistake in %s that says %q", name, err, c.key, c.says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in the message: %v", name, err)
		}
	}
}

func endpoint(policy string, mode ua.MessageSecurityMode) *ua.EndpointDescription {
	return &ua.EndpointDescription{EndpointURL: "opc.tcp://x", SecurityPolicyURI: ua.SecurityPolicyURIPrefix + policy, SecurityMode: mode}
}

func TestAutoTakesTheStrongestAndNeverNone(t *testing.T) {
	const none, sign, encrypt = ua.MessageSecurityModeNone, ua.MessageSecurityModeSign, ua.MessageSecurityModeSignAndEncrypt
	clear, old := endpoint("None", none), endpoint("Basic256", encrypt)
	basic, basicSign, aes := endpoint("Basic256Sha256", encrypt), endpoint("Basic256Sha256", sign), endpoint("Aes256_Sha256_RsaPss", encrypt)
	hostile := endpoint("Basic256Sha256", 77)
	for name, c := range map[string]struct {
		security Security
		insecure bool
		offers   []*ua.EndpointDescription
		want     *ua.EndpointDescription
		says     string
	}{
		"strongest":             {Auto, false, []*ua.EndpointDescription{clear, basicSign, basic, aes, old, hostile, nil}, aes, ""},
		"encrypted over signed": {Auto, false, []*ua.EndpointDescription{endpoint("Aes256_Sha256_RsaPss", sign), basic}, basic, ""},
		"insecure still best":   {Auto, true, []*ua.EndpointDescription{clear, basicSign}, basicSign, ""},
		"only None":             {Auto, false, []*ua.EndpointDescription{clear}, nil, "insecure: true"},
		"only None, insecure":   {Auto, true, []*ua.EndpointDescription{clear, old}, clear, ""},
		"only deprecated":       {Auto, false, []*ua.EndpointDescription{old, hostile}, nil, "Basic256/SignAndEncrypt"},
		"deprecated, named":     {"Basic256", false, []*ua.EndpointDescription{clear, old}, old, ""},
		"named":                 {"Basic256Sha256/Sign", false, []*ua.EndpointDescription{clear, basic, basicSign}, basicSign, ""},
		"not offered":           {"Basic256Sha256", false, []*ua.EndpointDescription{clear, aes}, nil, "it offers None, Aes256_Sha256_RsaPss/SignAndEncrypt"},
		"nothing":               {Auto, false, nil, nil, "no endpoint"},
	} {
		connection := &Connection{Security: c.security, Insecure: c.insecure}
		got, err := connection.choose(c.offers)
		if got != c.want || c.want == nil && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestPasswordsAreNotSentInClear(t *testing.T) {
	user := func(policy string) *ua.UserTokenPolicy {
		return &ua.UserTokenPolicy{PolicyID: policy, TokenType: ua.UserTokenTypeUserName, SecurityPolicyURI: ua.SecurityPolicyURIPrefix + policy}
	}
	signed := endpoint("Basic256Sha256", ua.MessageSecurityModeSign)
	signed.UserIdentityTokens = []*ua.UserTokenPolicy{user("None")}
	c := &Connection{User: "gw", Password: "secret"}
	if _, err := c.login(signed, quiet()); err == nil || !strings.Contains(err.Error(), "unencrypted") {
		t.Errorf("a password over a signed channel: %v", err)
	}
	signed.UserIdentityTokens = []*ua.UserTokenPolicy{nil, user("None"), user("Basic256Sha256")}
	login, err := c.login(signed, quiet())
	if err != nil || login.UserIdentityToken.(*ua.UserNameIdentityToken).PolicyID != "Basic256Sha256" {
		t.Errorf("the encrypted token is not taken: %v, %v", login, err)
	}
	if _, err := (&Connection{}).login(signed, quiet()); err == nil || !strings.Contains(err.Error(), "user and password_file") {
		t.Errorf("an anonymous session that is not offered: %v", err)
	}
}

func TestOwnCertificateIsMadeOnceAndKept(t *testing.T) {
	c := &Connection{PKI: filepath.Join(t.TempDir(), "pki")}
	first, err := c.identity()
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.identity()
	if err != nil || string(again.der) != string(first.der) || !again.key.Equal(first.key) || again.uri != first.uri || first.uri == "" {
		t.Errorf("another certificate the second time: %v", err)
	}
	if info, err := os.Stat(filepath.Join(c.PKI, identityKey)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	named := &Connection{Cert: filepath.Join(c.PKI, identityCert), Key: filepath.Join(c.PKI, identityKey)}
	if own, err := named.identity(); err != nil || string(own.der) != string(first.der) {
		t.Errorf("cert and key: %v", err)
	}
	foreign, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := foreign.save(other); err != nil {
		t.Fatal(err)
	}
	named.Key = filepath.Join(other, identityKey)
	if _, err := named.identity(); err == nil || !strings.Contains(err.Error(), "does not belong") {
		t.Errorf("a key of another certificate: %v", err)
	}
	os.WriteFile(filepath.Join(other, identityKey), []byte("no key"), 0o600)
	if _, err := named.identity(); err == nil || !strings.Contains(err.Error(), "RSA key") {
		t.Errorf("a file that is no key: %v", err)
	}
}

func TestADeadServerIsNoticedWithin15Seconds(t *testing.T) {
	c := Kind().New().(*Connection)
	if worst := c.Watch + c.Timeout; worst > 15*time.Second {
		t.Errorf("with the defaults it takes up to %s", worst)
	}
}

func TestQueuesHoldTwoPublishingIntervals(t *testing.T) {
	for _, c := range []struct {
		spec Spec
		want uint32
	}{
		{Spec{Sample: 100 * time.Millisecond}, 12}, {Spec{Sample: time.Second}, 10}, {Spec{Sample: time.Millisecond}, 1002},
		{Spec{Sample: time.Millisecond, Queue: 3}, 3}, {Spec{Sample: 1}, maxQueue},
	} {
		if got := queueSize(&c.spec, 500*time.Millisecond); got != c.want {
			t.Errorf("sampled every %s, queue %d: %d, want %d", c.spec.Sample, c.spec.Queue, got, c.want)
		}
	}
}
