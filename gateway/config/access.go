package config

// Access says what may be done with a point.
type Access string

// What may be done with a point: read only is the default.
const (
	ReadOnly  Access = "r"
	ReadWrite Access = "rw"
)

// UnmarshalText reads r or rw.
func (a *Access) UnmarshalText(text []byte) error {
	switch Access(text) {
	case ReadOnly, ReadWrite:
		*a = Access(text)
		return nil
	case "w", "wo", "write", "write-only":
		return wrong("write rw: what was written is read back", "%q is no access", text)
	}
	return wrong("write r or rw", "%q is no access", text)
}
