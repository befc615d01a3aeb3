package shadow

// Caller is who asks. The zero value is nobody.
type Caller struct {
	Thing      string // a thing that has shown its certificate; empty when a person asks
	Person     string // a person's name; empty when a thing asks
	From       string // the address it came from
	Connection string // names the connection: each has a number of requests in flight that it may not exceed
}

// who is the caller's name in the log and the audit log.
func (c Caller) who() string {
	if c.Person != "" {
		return c.Person
	}
	return c.Thing
}
