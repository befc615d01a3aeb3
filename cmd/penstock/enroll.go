package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/gateway/enrol"
	"github.com/penstock-edge/penstock/sync/identity"
)

func enrollCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "enroll URL --token T", Short: "Exchange an invitation for this gateway's identity", Args: exactly(1),
		Long: "enroll makes a private key on this machine and has the cloud certify it. The token comes from \"penstock-cloud invite GATEWAY\" and\n" +
			"works once. The key, the certificate and the cloud's CA are kept under the state folder.",
		Example: "  penstock enroll https://cloud.example.com:8443 --token ABCD...",
	}
	path := configFlag(cmd)
	var r enrol.Request
	cmd.Flags().StringVar(&r.Token, "token", "", "the invitation (required)")
	cmd.Flags().StringVar(&r.Fingerprint, "ca-fingerprint", "", "the whole fingerprint of the cloud's CA, sha256:...; the token carries half of it already")
	name := cmd.Flags().String("target", "main", "the cloud target in the configuration that this identity is for")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if r.Token == "" {
			return usageError{fmt.Errorf("--token is missing: run penstock-cloud invite GATEWAY on the cloud to get one")}
		}
		cfg, err := load(*path, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		r.URL, r.Gateway, r.Files = args[0], cfg.Gateway.ID, identityFiles(cfg, *name)
		id, err := enrol.Enrol(cmd.Context(), r)
		if err != nil {
			return err
		}
		if err := giveToOwner(cfg.State, r.Files); err != nil {
			return fmt.Errorf("the identity is saved, and the gateway may not be able to read it: %w", err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s is enrolled; its identity is %s\n", id.Thing, r.Files.Cert)
		if len(cfg.Cloud) == 0 {
			fmt.Fprintf(cmd.OutOrStdout(), "To sync, add this to %s and restart the gateway:\n\ncloud:\n  - name: %s\n    url: %s\n", cfg.Path, *name, id.MQTT)
		}
		return nil
	}
	return cmd
}

// identityFiles are where the configuration looks for a target's identity; the default place where it has no such target yet.
func identityFiles(cfg *config.Config, name string) identity.Files {
	id := config.DefaultIdentity(cfg.State, name)
	for _, t := range cfg.Cloud {
		if t.Name == name {
			id = t.Identity
		}
	}
	return identity.Files{Key: id.KeyFile, Cert: id.Cert, CA: id.CA}
}

// giveToOwner lets the owner of the state folder read an identity that root has made: the service does not run as root.
func giveToOwner(stateDir string, files identity.Files) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(stateDir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	var errs []error
	for _, path := range []string{filepath.Dir(files.Key), files.Key, files.Cert, files.CA} {
		if within, err := filepath.Rel(stateDir, path); err == nil && filepath.IsLocal(within) { // elsewhere is the administrator's own business
			errs = append(errs, os.Chown(path, int(owner.Uid), int(owner.Gid)))
		}
	}
	return errors.Join(errs...)
}
