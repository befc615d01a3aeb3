package config

import sql "github.com/penstock-edge/penstock/sync/rule"

// Script reads a script in the rule test language in which `eval rule NAME` means a rule of this configuration. A nil Config has none.
func (c *Config) Script(name, text string) (*sql.Script, error) {
	return sql.ParseScriptOf(name, text, c.ruleNamed)
}

func (c *Config) ruleNamed(name string) (sql.Named, bool) {
	if c == nil {
		return sql.Named{}, false
	}
	for _, r := range c.Rules {
		if r.Name == name {
			return sql.Named{SQL: r.SQL, When: r.When, For: r.For, Until: r.Until}, true
		}
	}
	return sql.Named{}, false
}
