package cloud

import (
	"context"

	"github.com/penstock-edge/penstock/sync/wire"
)

// ClockStore puts times right that were taken while a gateway's clock was in doubt. Until then their samples are kept like any others, good ones
// as uncertain.
type ClockStore interface {
	// PutRight takes a gateway's verdicts. When it returns, what is stored of each doubt has its right times or, where they are
	// lost, is uncertain for good; what comes of the doubt later is treated alike. A verdict that comes again, also after an error, changes nothing that is done.
	PutRight(ctx context.Context, gateway string, verdicts []wire.Verdict) error
}
