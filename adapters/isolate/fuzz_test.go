package isolate

import (
	"bytes"
	"io"
	"testing"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// FuzzSamples: what is read is written the same again, and nothing else is read.
func FuzzSamples(f *testing.F) {
	f.Add(appendSample(appendSample(nil, telemetry.Sample{Point: 1, Quality: telemetry.BadTimeout, Time: 2, Sourced: true}), telemetry.Sample{Value: telemetry.String("abc")}))
	f.Add(appendSample(nil, telemetry.Sample{Value: telemetry.Bool(true)})[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		samples, err := decodeSamples(b, nil)
		if err != nil {
			return
		}
		var again []byte
		for _, s := range samples {
			again = appendSample(again, s)
		}
		if second, err := decodeSamples(again, nil); err != nil || len(second) != len(samples) {
			t.Fatalf("read again: %d of %d, %v", len(second), len(samples), err)
		} else {
			for i := range second {
				if second[i] != samples[i] {
					t.Fatalf("%v became %v", samples[i], second[i])
				}
			}
		}
	})
}

// FuzzFrames: any bytes are frames or an error, and nothing is taken that is not there.
func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, frame{kindPing, 7, nil}), frame{kindSamples, 1, []byte("abc")}))
	f.Add([]byte{0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0})
	f.Add([]byte{0x01, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0, 0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		in, taken := frameReader{from: bytes.NewReader(b)}, 0
		for {
			fr, err := in.next()
			if err != nil {
				break
			}
			taken += headerSize + len(fr.payload)
		}
		if taken > len(b) {
			t.Fatalf("%d bytes of frames in %d", taken, len(b))
		}
		if c := in.body.Cap(); c > 64<<10+16*len(b) {
			t.Fatalf("%d bytes were taken for an input of %d", c, len(b))
		}
	})
}

// FuzzOrders: whatever a process is told, it ends with its input and without a panic.
func FuzzOrders(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, frame{kindOpen, 1, []byte(`{"kind":"lab","settings":{"Address":"nobody"}}`)}), frame{kindPing, 2, nil}))
	f.Add(appendFrame(nil, frame{kindPrepare, 1, []byte(`{"points":[{"id":1}]}`)}))
	f.Add(appendFrame(nil, frame{kindRead, 1, []byte(`{"reader":1,"within":5}`)}))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = serve(bytes.NewReader(b), io.Discard, []adapters.Kind{shut()})
	})
}

// shut is a lab that nobody gets into: what a fuzzer would name, it must not write.
func shut() adapters.Kind {
	k := lab()
	k.New = func() adapters.Connection { return &closedLab{} }
	return k
}
