package server

import (
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-edge/penstock/sync/identity"
)

//go:embed cloud.yaml.tmpl
var configTemplate string

// Installation is what Init made.
type Installation struct {
	Config        string `json:"config"`
	CA            string `json:"ca"`
	CAFingerprint string `json:"ca_fingerprint"`
	URL           string `json:"url"`
	AdminToken    string `json:"admin_token"` // kept nowhere: the configuration has its hash
}

// Init makes a folder for a server: its configuration, its CA, the server's certificate for the names, and an admin token. It touches
// nothing when a configuration is there already.
func Init(dir string, names []string) (Installation, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Installation{}, err
	}
	file := filepath.Join(dir, "cloud.yaml")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return Installation{}, fmt.Errorf("%s is there already: start it with \"penstock-cloud run -c %s\", or choose another --dir", file, file)
	}
	if len(names) == 0 {
		names = Defaults().Names
	}
	token, hash := newToken()
	text := fill(names, hash)
	config, err := parse(file, []byte(text))
	if err != nil {
		return Installation{}, err
	}
	config.PKI, config.Data = below(dir, config.PKI), below(dir, config.Data)
	ca, err := newPKI(config)
	if err != nil {
		return Installation{}, err
	}
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return Installation{}, err
	}
	// Last: a configuration that is there has all it names. 0600: its hash lets nobody in, yet is nobody's business.
	if err := identity.WriteFile(file, []byte(text), 0o600); err != nil {
		return Installation{}, err
	}
	return Installation{
		Config: file, CA: config.pkiFile("ca.crt"), CAFingerprint: identity.Fingerprint(ca.Certificate()),
		URL: "https://" + join(names[0], port(config.Listen.HTTPS)), AdminToken: token,
	}, nil
}

// newToken draws an admin token of 160 bits.
func newToken() (token, hash string) {
	secret := make([]byte, 20)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	token = strings.ToLower(base32.StdEncoding.EncodeToString(secret))
	return token, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(token)))
}

func fill(names []string, hash string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.NewReplacer("{{names}}", strings.Join(quoted, ", "), "{{token_hash}}", hash).Replace(configTemplate)
}
