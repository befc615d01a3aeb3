package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/adapters/isolate"
	"github.com/penstock-edge/penstock/adapters/opcua"
	"github.com/penstock-edge/penstock/gateway/config"
)

func trustCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "trust CONNECTION", Short: "Show the certificate of an OPC UA server and pin it", Args: exactly(1),
		Long: "trust fetches the certificate that the server of a connection shows, prints it, and pins it once you have said that its fingerprint is the one\n" +
			"that the server itself shows: in the file that trust: names, or in the state of the gateway. A server that shows another is refused from then on.",
		Example: "  penstock trust line2_plc\n  penstock trust line2_plc --yes -o json",
	}
	path := configFlag(cmd)
	out := outputFlag(cmd)
	yes := cmd.Flags().Bool("yes", false, "pin it without asking")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := loadQuietly(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		c, err := opcuaConnection(cfg, args[0])
		if err != nil {
			return err
		}
		s, err := fetch(cmd.Context(), c)
		if err != nil {
			return err
		}
		if !out.json {
			s.print(cmd.OutOrStdout())
		}
		if s.Pinned != "same" && (*yes || !out.json && confirmed(cmd.InOrStdin(), cmd.OutOrStdout())) {
			if err := s.pin(cfg.State); err != nil {
				return err
			}
		}
		if out.json {
			return printJSON(cmd.OutOrStdout(), s)
		}
		return s.conclude(cmd.OutOrStdout())
	}
	return cmd
}

// opcuaConnection finds the settings of a connection by name.
func opcuaConnection(cfg *config.Config, name string) (*opcua.Connection, error) {
	for _, c := range cfg.Connections {
		if c.Name != name {
			continue
		}
		settings := c.Settings
		if apart, ok := settings.(*isolate.Connection); ok {
			settings = apart.Unwrap()
		}
		if o, ok := settings.(*opcua.Connection); ok {
			return o, nil
		}
		return nil, fmt.Errorf("connection %s speaks %s; only an OPC UA server has that", name, c.Kind)
	}
	return nil, fmt.Errorf("there is no connection %q in %s", name, cfg.Path)
}

// shown is the certificate of a server and what is known of it.
type shown struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	From        time.Time `json:"not_before"`
	Until       time.Time `json:"not_after"`
	Names       []string  `json:"names"`
	Fingerprint string    `json:"fingerprint"`
	Pinned      string    `json:"pinned"` // same | other | none, before this command
	File        string    `json:"file,omitempty"`
	Written     bool      `json:"written"`

	der []byte
}

func fetch(ctx context.Context, c *opcua.Connection) (*shown, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	der, err := c.ServerCertificate(ctx)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the server shows a certificate that can't be read: %w", err)
	}
	s := &shown{
		Subject: certificate.Subject.String(), Issuer: certificate.Issuer.String(), From: certificate.NotBefore, Until: certificate.NotAfter,
		Names: append([]string(nil), certificate.DNSNames...), Fingerprint: opcua.Fingerprint(der), Pinned: "none", File: c.PinFile(), der: der,
	}
	for _, ip := range certificate.IPAddresses {
		s.Names = append(s.Names, ip.String())
	}
	for _, uri := range certificate.URIs {
		s.Names = append(s.Names, uri.String())
	}
	switch pin, err := c.Pinned(); {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case pin == s.Fingerprint:
		s.Pinned = "same"
	case pin != "":
		s.Pinned = "other"
	}
	return s, nil
}

func (s *shown) print(to io.Writer) {
	fmt.Fprintf(to, "subject      %s\nissuer       %s\nvalid        %s to %s\nnames        %s\nfingerprint  %s\n",
		s.Subject, s.Issuer, s.From.Format(time.DateOnly), s.Until.Format(time.DateOnly), strings.Join(s.Names, ", "), s.Fingerprint)
	if s.Pinned == "other" {
		fmt.Fprintln(to, "\nANOTHER certificate is pinned. Unless the server was given a new one, somebody stands in between.")
	}
}

func confirmed(from io.Reader, to io.Writer) bool {
	fmt.Fprint(to, "\nIs this the fingerprint that the server itself shows? Pin it? [y/N] ")
	answer, _ := bufio.NewReader(from).ReadString('\n') // nothing is no
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// pin writes the certificate where the gateway looks for it.
func (s *shown) pin(state string) error {
	if s.File == "" {
		return fmt.Errorf("trust: in the configuration is a fingerprint; write trust: %s there", s.Fingerprint)
	}
	if err := os.MkdirAll(filepath.Dir(s.File), 0o755); err != nil {
		return fmt.Errorf("pin the certificate: %w", err)
	}
	if err := os.WriteFile(s.File, s.der, 0o644); err != nil {
		return fmt.Errorf("pin the certificate: %w", err)
	}
	s.Written = true
	return handOver(state, s.File)
}

// handOver gives what root has made below the state folder to whom that folder belongs: the gateway does not run as root.
func handOver(state, file string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(state)
	if err != nil {
		return nil // there is none yet, and nothing was made in it
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	inside, err := filepath.Rel(state, file)
	if !ok || err != nil || strings.HasPrefix(inside, "..") {
		return nil
	}
	for name := file; name != filepath.Clean(state) && len(name) > len(state); name = filepath.Dir(name) {
		if err := os.Lchown(name, int(owner.Uid), int(owner.Gid)); err != nil {
			return err
		}
	}
	return nil
}

func (s *shown) conclude(to io.Writer) error {
	switch {
	case s.Written:
		fmt.Fprintf(to, "pinned in %s; a gateway that runs takes it at its next attempt\n", s.File)
	case s.Pinned == "same":
		fmt.Fprintln(to, "it is pinned already")
	default:
		return errors.New("not pinned")
	}
	return nil
}
