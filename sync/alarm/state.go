package alarm

import "fmt"

// State is where an alarm is in its life (ANSI/ISA-18.2, figure 3: alarm state transitions).
type State string

// The states. The last three hide the alarm: its life goes on below and shows when they end. Of two that hide, the later in
// this list is shown.
const (
	Normal         State = "normal"
	Unacknowledged State = "unacknowledged" // the condition is there, and nobody has said that they know
	Acknowledged   State = "acknowledged"   // the condition is there, and somebody knows
	Returned       State = "returned unacknowledged"
	Shelved        State = "shelved"        // by an operator, until a time
	Suppressed     State = "suppressed"     // by design: by logic, such as a machine that is off
	OutOfService   State = "out of service" // by maintenance, until it is taken back
)

// Hidden says whether nobody is to be told.
func (s State) Hidden() bool { return s == Shelved || s == Suppressed || s == OutOfService }

// Severity is how much an alarm matters. The zero value is none.
type Severity int

// The severities.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

var severities = [...]string{"none", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if s < 0 || int(s) >= len(severities) {
		return fmt.Sprintf("severity %d", int(s))
	}
	return severities[s]
}

// MarshalText writes the name; none is empty.
func (s Severity) MarshalText() ([]byte, error) {
	if s < 0 || s > Critical {
		return nil, fmt.Errorf("%v: use low, medium, high or critical", s)
	}
	if s == 0 {
		return nil, nil
	}
	return []byte(severities[s]), nil
}

// UnmarshalText reads a name.
func (s *Severity) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = 0
		return nil
	}
	for i, name := range severities[1:] {
		if name == string(text) {
			*s = Severity(i + 1)
			return nil
		}
	}
	return fmt.Errorf("severity %.20q: use low, medium, high or critical", text)
}
