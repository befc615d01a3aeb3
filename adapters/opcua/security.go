package opcua

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gopcua/opcua/ua"
)

// Security names how a connection is protected: Policy/Mode, auto or None.
type Security string

// Auto takes the strongest protection that the server offers, and never None unless the connection is insecure.
const Auto Security = "auto"

// policies from the weakest to the strongest. The first two are broken (SHA-1, small keys; deprecated
// since OPC UA 1.04): auto never takes them, a plant that has nothing else must name them.
var policies = []string{"Basic128Rsa15", "Basic256", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"}

const deprecatedPolicies = 2

func (s Security) isNone() bool { return strings.EqualFold(string(s), "None") }

func (s Security) isAuto() bool { return s == "" || strings.EqualFold(string(s), string(Auto)) }

// split gives policy and mode as the specification spells them.
func (s Security) split() (policy string, mode ua.MessageSecurityMode, err error) {
	if s.isNone() {
		return "None", ua.MessageSecurityModeNone, nil
	}
	name, modeName, found := strings.Cut(string(s), "/")
	if !found {
		modeName = "SignAndEncrypt"
	}
	at := slices.IndexFunc(policies, func(known string) bool { return strings.EqualFold(known, name) })
	if at < 0 {
		return "", 0, fmt.Errorf("unknown security policy %q; known are %s, and None", name, strings.Join(policies, ", "))
	}
	switch {
	case strings.EqualFold(modeName, "SignAndEncrypt"):
		return policies[at], ua.MessageSecurityModeSignAndEncrypt, nil
	case strings.EqualFold(modeName, "Sign"):
		return policies[at], ua.MessageSecurityModeSign, nil
	}
	return "", 0, fmt.Errorf("unknown security mode %q; known are SignAndEncrypt and Sign", modeName)
}

func (s Security) check() error {
	if s.isAuto() {
		return nil
	}
	_, _, err := s.split()
	return err
}

// rank orders endpoints by their protection; 0 is one that is not spoken here or is too weak for auto.
func rank(e *ua.EndpointDescription) int {
	if e.SecurityMode == ua.MessageSecurityModeNone && e.SecurityPolicyURI == ua.SecurityPolicyURINone {
		return 1
	}
	at := slices.Index(policies, policyName(e.SecurityPolicyURI))
	if at < deprecatedPolicies {
		return 0
	}
	switch e.SecurityMode {
	case ua.MessageSecurityModeSign:
		return 10 + at
	case ua.MessageSecurityModeSignAndEncrypt:
		return 20 + at
	}
	return 0
}

func policyName(uri string) string { return strings.TrimPrefix(uri, ua.SecurityPolicyURIPrefix) }

// choose picks the endpoint to use from those that the server offers.
func (c *Connection) choose(endpoints []*ua.EndpointDescription) (*ua.EndpointDescription, error) {
	endpoints = slices.DeleteFunc(slices.Clone(endpoints), func(e *ua.EndpointDescription) bool {
		return e == nil || !strings.HasPrefix(e.EndpointURL, "opc.tcp:")
	})
	if c.Security.isAuto() {
		return c.chooseStrongest(endpoints)
	}
	policy, mode, err := c.Security.split()
	if err != nil {
		return nil, err
	}
	for _, e := range endpoints {
		if policyName(e.SecurityPolicyURI) == policy && e.SecurityMode == mode {
			return e, nil
		}
	}
	return nil, fmt.Errorf("the server does not offer security %s; it offers %s", c.Security, offered(endpoints))
}

func (c *Connection) chooseStrongest(endpoints []*ua.EndpointDescription) (*ua.EndpointDescription, error) {
	if len(endpoints) == 0 {
		return nil, errors.New("the server offers no endpoint for opc.tcp")
	}
	best := slices.MaxFunc(endpoints, func(a, b *ua.EndpointDescription) int { return rank(a) - rank(b) })
	switch {
	case rank(best) == 0:
		return nil, fmt.Errorf("the server offers only what auto does not take (%s); name one with security: if you must", offered(endpoints))
	case best.SecurityMode == ua.MessageSecurityModeNone && !c.Insecure:
		return nil, fmt.Errorf("the server offers no encryption that auto takes (%s); switch it on there, or accept that anybody can read and change everything with insecure: true", offered(endpoints))
	}
	return best, nil
}

func offered(endpoints []*ua.EndpointDescription) string {
	if len(endpoints) == 0 {
		return "nothing"
	}
	var names []string
	for _, e := range endpoints {
		name := policyName(e.SecurityPolicyURI)
		if e.SecurityMode != ua.MessageSecurityModeNone {
			name += "/" + strings.TrimPrefix(e.SecurityMode.String(), "MessageSecurityMode")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
