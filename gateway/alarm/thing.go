package alarm

import (
	"github.com/penstock-edge/penstock/gateway/config"
	sql "github.com/penstock-edge/penstock/sync/rule"
	"github.com/penstock-edge/penstock/sync/wire"
)

// thingsOf says whose an alarm is: the device's when its rule looks at points of one device only, else the gateway's.
func thingsOf(cfg *config.Config) func(*config.Rule) string {
	equipment := map[string]bool{}
	for _, c := range cfg.Connections {
		for _, d := range c.Devices {
			equipment[d.Name] = true
		}
	}
	return func(r *config.Rule) string {
		device := ""
		for _, point := range pointsOf(r) {
			of, _, _ := sql.DevicePoint(point)
			if !equipment[of] || device != "" && of != device {
				return cfg.Gateway.ID
			}
			device = of
		}
		if thing := cfg.Gateway.ID + ":" + device; device != "" && wire.ValidName(thing) {
			return thing
		}
		return cfg.Gateway.ID
	}
}

// pointsOf are the points that make the rule's alarm come and go; none when that can't be said.
func pointsOf(r *config.Rule) (points []string) {
	for _, src := range []string{r.When, r.Until} {
		if src == "" {
			continue
		}
		c, err := sql.ParseCondition(src)
		if err != nil {
			return nil
		}
		points = append(points, c.Points()...)
	}
	return points
}
