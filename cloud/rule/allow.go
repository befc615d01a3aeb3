package rule

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// allowList is where webhooks may go: host:port each. A host may begin with *. (any name below), a port may be *.
type allowList []pattern

type pattern struct{ host, port string }

func newAllowList(patterns []string) (list allowList, err error) {
	for _, text := range patterns {
		host, port, err := net.SplitHostPort(text)
		if err != nil || host == "" || port == "" || host == "*" || strings.Contains(strings.TrimPrefix(host, "*."), "*") {
			return nil, fmt.Errorf("%q is no destination: HOST:PORT is, as in hooks.example.com:443, *.example.com:443 or 10.0.0.7:*", text)
		}
		list = append(list, pattern{strings.ToLower(host), port})
	}
	return list, nil
}

// check refuses a URL that does not lead to an allowed destination.
func (l allowList) check(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return fmt.Errorf("%.200q is no URL of a webhook: http://host/path or https://host/path is", u.Redacted())
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if slices.ContainsFunc(l, func(p pattern) bool { return p.takes(host, port) }) {
		return nil
	}
	return fmt.Errorf("%s is not among the allowed destinations of webhooks: whoever runs this server adds it to them in cloud.yaml", net.JoinHostPort(host, port))
}

func (p pattern) takes(host, port string) bool {
	if p.port != "*" && p.port != port {
		return false
	}
	below, wild := strings.CutPrefix(p.host, "*")
	return p.host == host || wild && strings.HasSuffix(host, below) && len(host) > len(below)
}
