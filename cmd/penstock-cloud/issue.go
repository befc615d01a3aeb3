package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/penstock-edge/penstock/sync/identity"
)

func issueCommand() *cobra.Command {
	var c client
	var dir, form string
	cmd := &cobra.Command{
		Use:   "issue THING --out DIR",
		Short: "Write a key and a certificate for a thing that connects with any MQTT client",
		Example: `  penstock-cloud issue thermo1 --out keys
  mosquitto_pub -h localhost -p 8883 --cafile keys/ca.crt --cert keys/thermo1.crt --key keys/thermo1.key \
      -q 1 -t dt/thermo1/telemetry -m '{"temperature": 21.5}'`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if dir == "" {
				return usageError{errors.New("say where to with --out DIR")}
			}
			made, err := issue(cmd.Context(), &c, args[0], dir)
			if err != nil {
				return err
			}
			if form == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(made)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n%s\n", made.Key, made.Cert, made.CA)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", "the folder for THING.key, THING.crt and ca.crt")
	clientCommand(cmd, &c)
	output(cmd, &form, "text", "json")
	return cmd
}

// issued are the files of a thing's identity.
type issued struct {
	Thing string `json:"thing"`
	ID    string `json:"certificate_id"`
	Key   string `json:"key"`
	Cert  string `json:"cert"`
	CA    string `json:"ca"`
	MQTT  string `json:"mqtt"`
}

// issue makes a key here and has a certificate signed for it: the key never leaves this machine.
func issue(ctx context.Context, c *client, thing, dir string) (issued, error) {
	if err := identity.CheckName(thing); err != nil {
		return issued{}, err
	}
	// A thing's name may have a colon in it, which no Linux file system minds.
	files := identity.Files{Key: filepath.Join(dir, thing+".key"), Cert: filepath.Join(dir, thing+".crt"), CA: filepath.Join(dir, "ca.crt")}
	for _, path := range []string{files.Key, files.Cert} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return issued{}, fmt.Errorf("%s is there already: move it away, or choose another --out", path)
		}
	}
	key, err := identity.NewKey()
	if err != nil {
		return issued{}, err
	}
	csr, err := identity.NewRequest(key, thing)
	if err != nil {
		return issued{}, err
	}
	var answer struct{ ID, Certificate, CA, MQTT string }
	if err := c.post(ctx, "/api/v1/things/"+url.PathEscape(thing)+"/certificates", map[string]string{"csr": string(csr)}, &answer); err != nil {
		return issued{}, err
	}
	cert, err := identity.ParseCertificate([]byte(answer.Certificate))
	if err != nil {
		return issued{}, err
	}
	ca, err := identity.ParseCertificate([]byte(answer.CA))
	if err != nil {
		return issued{}, err
	}
	made := issued{Thing: thing, ID: answer.ID, Key: files.Key, Cert: files.Cert, CA: files.CA, MQTT: answer.MQTT}
	return made, files.Save(key, cert, ca)
}
