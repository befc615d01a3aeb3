package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/sync/identity"
)

// client speaks to a server's API.
type client struct {
	url, token, ca string
	http           *http.Client
}

// clientCommand adds what every command needs that speaks to a server.
func clientCommand(cmd *cobra.Command, c *client) {
	cmd.Flags().StringVar(&c.url, "url", fromEnv("PENSTOCK_CLOUD_URL", "https://localhost:8443"), "the server ($PENSTOCK_CLOUD_URL)")
	cmd.Flags().StringVar(&c.token, "token", "", "the admin token ($PENSTOCK_CLOUD_TOKEN)")
	cmd.Flags().StringVar(&c.ca, "ca", os.Getenv("PENSTOCK_CLOUD_CA"), "the CA's certificate, ca.crt ($PENSTOCK_CLOUD_CA); without it the system's CAs are asked")
	cmd.PreRunE = func(*cobra.Command, []string) error { return c.open() }
}

func fromEnv(key, otherwise string) string {
	if value := os.Getenv(key); value != "" {
		return value
	}
	return otherwise
}

func (c *client) open() error {
	if c.token == "" { // never a flag's default: help would print it
		c.token = os.Getenv("PENSTOCK_CLOUD_TOKEN")
	}
	if c.token == "" {
		return errors.New("the admin token is missing: set PENSTOCK_CLOUD_TOKEN to the one that penstock-cloud init printed, or give --token")
	}
	u, err := url.Parse(c.url)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return usageError{fmt.Errorf("--url %q is not as https://HOST:8443", c.url)}
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.ca != "" {
		ca, err := identity.LoadCertificate(c.ca)
		if err != nil {
			return fmt.Errorf("--ca: %w", err)
		}
		config = identity.ClientTLS(nil, ca, u.Hostname())
	}
	c.http = &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
	return nil
}

func (c *client) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return c.do(ctx, http.MethodGet, path, nil, into)
}

func (c *client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, text, into)
}

func (c *client) do(ctx context.Context, method, path string, body []byte, into any) error {
	res, err := c.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.url, err)
	}
	return nil
}

// stream copies an answer as it comes.
func (c *client) stream(ctx context.Context, path string, to io.Writer) error {
	c.http.Timeout = 0 // as long as it takes
	res, err := c.ask(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(to, res.Body); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.url, err)
	}
	return nil
}

// ask makes a request and gives the answer of a success.
func (c *client) ask(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, refused(res)
	}
	return res, nil
}

func (c *client) unreachable(err error) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) && c.ca == "" {
		return fmt.Errorf("%w: name the server's CA with --ca DIR/pki/ca.crt or PENSTOCK_CLOUD_CA", err)
	}
	return fmt.Errorf("%w: does the server run, and is --url right?", err)
}

func refused(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("the server answers %s: %w", res.Status, err)
	}
	var answer struct{ Message string }
	if json.Unmarshal(text, &answer) != nil || answer.Message == "" {
		return fmt.Errorf("the server answers %s: is --url penstock-cloud's https address?", res.Status)
	}
	return errors.New(answer.Message)
}
