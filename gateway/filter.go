package gateway

import (
	"fmt"
	"slices"

	"github.com/penstock-edge/penstock/buffer"
	"github.com/penstock-edge/penstock/gateway/config"
	"github.com/penstock-edge/penstock/sync/uplink"
	"github.com/penstock-edge/penstock/sync/wire"
)

// filter stands before a target that is not told of everything, and looks at what goes there once more: it may have been written before there was such a
// target, or before `only` was changed.
type filter struct {
	target config.Target
	to     *audience
}

// block is a block without what does not go to the target.
func (f *filter) block(b uplink.Block) (uplink.Block, error) {
	recs, err := part(b.Data, func(point string) (buffer.Audience, bool) { return 0, f.to.takes(&f.target, point) })
	switch {
	case err != nil:
		return b, nobodyKnows(err)
	case len(recs) == 0:
		return b, errNotForIt
	}
	b.Data, b.Samples = recs[0].Data, recs[0].Samples
	return b, nil
}

// alarms is a message of alarms without those that the target is not told of.
func (f *filter) alarms(b uplink.Block) (uplink.Block, error) {
	events, err := wire.DecodeAlarms(b.Data)
	if err != nil {
		return b, nobodyKnows(err)
	}
	told := slices.DeleteFunc(slices.Clone(events), func(e wire.AlarmEvent) bool { return !f.to.hears(&f.target, e) })
	switch len(told) {
	case len(events):
		return b, nil
	case 0:
		return b, errNotForIt
	}
	b.Data, _, err = wire.EncodeAlarms(told)
	return b, err
}

var errNotForIt = fmt.Errorf("%w: nothing in it goes there", uplink.ErrNotUnderstood)

func nobodyKnows(err error) error {
	return fmt.Errorf("%w: nobody knows whether it may go there: %w", uplink.ErrNotUnderstood, err)
}
