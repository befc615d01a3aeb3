package shadow

import "fmt"

// Direction is which way a shadow is kept in step, in Greengrass's words.
type Direction string

// The directions. One way only means that the other side's edits are undone by the next sync.
const (
	BothWays      Direction = "betweenDeviceAndCloud"
	DeviceToCloud Direction = "deviceToCloud"
	CloudToDevice Direction = "cloudToDevice"
)

// ParseDirection reads a direction; empty is BothWays.
func ParseDirection(s string) (Direction, error) {
	switch d := Direction(s); d {
	case "":
		return BothWays, nil
	case BothWays, DeviceToCloud, CloudToDevice:
		return d, nil
	}
	return "", fmt.Errorf("direction %q: use %s, %s or %s", s, BothWays, DeviceToCloud, CloudToDevice)
}
