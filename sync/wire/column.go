package wire

import (
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// form is the byte that says how a column is written.
type form byte

const (
	formKind  form = 0x07 // the kind of all values, or formMixed
	formMixed form = 0x07 // kinds follow as runs
	// formQualities: qualities follow as runs; without it all are good.
	formQualities form = 0x08
	formTimes     form = 0x30 // how the column's times are told:
	timesWhole    form = 0x00 // every time of its clock
	timesOwn      form = 0x10 // some of its clock's; their places follow
	timesBefore   form = 0x20 // the same as the column before
)

func (f form) valid() bool {
	kind := f & formKind
	return f&^(formKind|formQualities|formTimes) == 0 && f&formTimes != formTimes &&
		(kind == formMixed || telemetry.Kind(kind) <= telemetry.KindString)
}

// entry is what the index says of one column.
type entry struct {
	samples int
	clock   int
	form    form
	size    int // bytes in the section of values
}
