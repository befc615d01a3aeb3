package config

import "regexp"

// secretKey is a key whose value is a secret itself, not the name of a file that has it.
var secretKey = regexp.MustCompile(`(?i)^(.*_)?(password|passphrase|token|secret)$`)

// isLiteralSecret reports a secret that is written into the file, where backups, tickets and
// colleagues read it. A variable of the environment is none.
func isLiteralSecret(e entry) bool {
	return e.value.shape == scalar && e.value.text != "" && !e.value.substituted() && secretKey.MatchString(e.key.text)
}
