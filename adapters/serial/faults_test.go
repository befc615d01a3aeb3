package serial

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/adapters/serial/serialsim"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func open(t *testing.T, l *serialsim.Line) adapters.Adapter {
	t.Helper()
	a, err := connect(l).Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

// heard is what a subscription emits, as it comes.
type heard struct {
	samples chan telemetry.Sample
	end     chan error
}

func subscribe(t *testing.T, a adapters.Adapter, points ...adapters.Point) heard {
	t.Helper()
	h := heard{make(chan telemetry.Sample, 10000), make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		h.end <- a.(adapters.Subscriber).Subscribe(ctx, points, func(some []telemetry.Sample) {
			for _, s := range some {
				h.samples <- s
			}
		})
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return h
}

// next waits for a sample of the point that fits.
func (h heard) next(t *testing.T, what string, fits func(telemetry.Sample) bool) telemetry.Sample {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		select {
		case s := <-h.samples:
			if fits(s) {
				return s
			}
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func good(want telemetry.Value) func(telemetry.Sample) bool {
	return func(s telemetry.Sample) bool { return s.Quality == telemetry.Good && s.Value == want }
}

func quality(q telemetry.Quality) func(telemetry.Sample) bool {
	return func(s telemetry.Sample) bool { return s.Quality == q }
}

func TestAGarbledScaleIsNeverAWrongWeight(t *testing.T) {
	l := line(t)
	scale := &serialsim.Scale{Line: l, Every: 5 * time.Millisecond}
	scale.Set(serialsim.Weight{Gross: 1234})
	run(t, scale)
	d := toledo()
	d.StaleAfter = 300 * time.Millisecond
	h := subscribe(t, open(t, l), point(0, d, "gross"))
	right := func(s telemetry.Sample) bool {
		if s.Quality == telemetry.Good && s.Value != telemetry.Float64(1234) {
			t.Errorf("a weight of %v that nobody put on", s.Value)
		}
		return true
	}
	h.next(t, "the weight", func(s telemetry.Sample) bool { return right(s) && s.Quality == telemetry.Good })
	l.Garble(true)
	h.next(t, "the reason", func(s telemetry.Sample) bool { return right(s) && s.Quality == telemetry.BadDecoding })
	l.Garble(false)
	h.next(t, "the weight again", func(s telemetry.Sample) bool { return right(s) && s.Quality == telemetry.Good })
}

func TestALineTellsOnlyThePointsInIt(t *testing.T) {
	l := line(t)
	d := lines(`^(?:T=(?P<t>\S+)|P=(?P<p>\S+))$`)
	d.StaleAfter = 400 * time.Millisecond
	h := subscribe(t, open(t, l), point(0, d, "t"), point(1, d, "p"))
	say(t, l, "\r\nT=1\r\n")
	h.next(t, "t", good(telemetry.Float64(1)))
	h.next(t, "p to be stale, which never came", func(s telemetry.Sample) bool { return s.Point == 1 && s.Quality == telemetry.BadTimeout })
	say(t, l, "P=x\r\n")
	if s := h.next(t, "p in letters", quality(telemetry.BadDecoding)); s.Point != 1 || !s.Value.IsNone() {
		t.Errorf("%+v; want p, bad, without a value", s)
	}
}

func say(t *testing.T, l *serialsim.Line, raw string) {
	t.Helper()
	if err := l.Noise([]byte(raw)); err != nil {
		t.Fatal(err)
	}
}

func TestFramesThatSilenceEnds(t *testing.T) {
	l := line(t)
	d := lines(`^W(?P<w>\d+)$`)
	d.Frame = Frame{Idle: 30 * time.Millisecond}
	h := subscribe(t, open(t, l), point(0, d, "w"))
	for _, w := range []string{"W12", "W345"} {
		say(t, l, w)
		want, _ := float(w[1:])
		h.next(t, w, good(want))
	}
}

func TestTwoTalkingDevicesOnOneLine(t *testing.T) {
	l := line(t)
	sensor := &serialsim.Sensor{Line: l, Every: 10 * time.Millisecond}
	sensor.Set(21.5, 40)
	run(t, sensor)
	temperature, humidity := lines(`T=(?P<t>\S+)`), lines(`RH=(?P<h>\d+)$`)
	one, two := point(0, temperature, "t"), point(1, humidity, "h")
	two.Device = "other"
	h := subscribe(t, open(t, l), one, two)
	h.next(t, "temperature", good(telemetry.Float64(21.5)))
	h.next(t, "humidity", good(telemetry.Float64(40)))
}

func TestUnpluggedSaysSo(t *testing.T) {
	l := line(t)
	h := subscribe(t, open(t, l), point(0, toledo(), "gross"))
	if err := l.Unplug(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-h.end:
		if want := "unplugged: " + l.Path() + " is gone"; err == nil || err.Error() != want {
			t.Errorf("subscribe: %v; want %q", err, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("unplugged, and Subscribe waits on")
	}
	_, err := connect(l).Open(t.Context(), slog.New(slog.DiscardHandler))
	for _, want := range []string{l.Path(), "no such file", "dmesg", "by-id"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v; want it to say %q", err, want)
		}
	}
	if err := l.Replug(); err != nil {
		t.Fatal(err)
	}
	h = subscribe(t, open(t, l), point(0, toledo(), "gross"))
	say(t, l, weight("  1234"))
	h.next(t, "the weight after plugging in again", good(telemetry.Float64(1234)))
}

// A name that stays and a node that changes, as when one adapter is pulled and another is put in quickly.
func TestReplacedUnderItsNameIsUnplugged(t *testing.T) {
	l := line(t)
	h := subscribe(t, open(t, l), point(0, toledo(), "gross"))
	if err := errors.Join(l.Unplug(), l.Replug()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-h.end:
		if err == nil || !strings.HasPrefix(err.Error(), "unplugged: "+l.Path()) {
			t.Errorf("subscribe: %v; want it to say unplugged", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("another device under the name, and Subscribe waits on")
	}
}

func TestWhatIsNoPortIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{file: "no serial port", "/dev/null": "no serial port"} {
		c := Kind().New().(*Connection)
		c.Port = path
		if a, err := c.Open(t.Context(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %s: %v, %v; want it to say %q", path, a, err, want)
		}
	}
}

func TestErrorsOfOpenSayWhatToDo(t *testing.T) {
	for err, want := range map[error]string{
		fs.ErrPermission: "add the user to group ", syscall.EACCES: "add the user to group ", syscall.EBUSY: "fuser /dev/ttyX9", syscall.EIO: "no hardware", syscall.ENOTTY: "no serial port",
	} {
		if got := openError("/dev/ttyX9", &fs.PathError{Op: "open", Path: "/dev/ttyX9", Err: err}).Error(); !strings.Contains(got, want) || strings.Count(got, "/dev/ttyX9: ") != 1 {
			t.Errorf("%s; want it to say %q, and the path once before it", got, want)
		}
	}
}

// read reads once and gives the samples and the error.
func read(t *testing.T, r adapters.Reader, limit time.Duration) ([]telemetry.Sample, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var got []telemetry.Sample
	err := r.Read(ctx, func(some []telemetry.Sample) { got = append(got, some...) })
	return got, err
}

func prepare(t *testing.T, a adapters.Adapter, p adapters.Point) adapters.Reader {
	t.Helper()
	r, err := a.Prepare([]adapters.Point{p})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestALateAnswerIsNotTakenForTheNext(t *testing.T) {
	l := line(t)
	sim := &serialsim.Asked{Line: l, Delay: 150 * time.Millisecond}
	sim.Set("1?", "100\r\n")
	sim.Set("2?", "200\r\n")
	run(t, sim)
	a := open(t, l)
	var readers []adapters.Reader
	for i, send := range []string{"1?", "2?"} {
		d := lines(`^(?P<v>\d+)$`)
		d.Send = send
		readers = append(readers, prepare(t, a, point(telemetry.PointID(i), d, "v")))
	}
	if got, err := read(t, readers[0], 120*time.Millisecond); !errors.Is(err, adapters.ErrNoAnswer) {
		t.Fatalf("the answer comes too late: %v, %v; want ErrNoAnswer", got, err)
	}
	for i, want := range []float64{200, 100, 200} {
		got, err := read(t, readers[(i+1)%2], 5*time.Second)
		if err != nil || len(got) != 1 || got[0].Value != telemetry.Float64(want) {
			t.Errorf("answer %d: %v, %v; want %v", i, got, err, want)
		}
	}
}

func TestStaleInputIsDrainedBeforeAQuestion(t *testing.T) {
	l := line(t)
	sim := &serialsim.Asked{Line: l}
	sim.Set("?", "2\r\n")
	run(t, sim)
	a := open(t, l)
	d := lines(`^(?P<v>\d+)$`)
	d.Send = "?"
	r := prepare(t, a, point(0, d, "v"))
	for range 3 {
		for range 2000 { // more than the adapter and the kernel hold together is lost, as on a wire
			say(t, l, "1\r\n")
		}
		got, err := read(t, r, 5*time.Second)
		if err != nil || len(got) != 1 || got[0].Value != telemetry.Float64(2) {
			t.Fatalf("%v, %v; want 2, what the question was answered with", got, err)
		}
	}
}

func TestAnAnswerThatCannotBeUnderstood(t *testing.T) {
	l := line(t)
	sim := &serialsim.Asked{Line: l}
	sim.Set("?", "ERROR 7\r\n")
	run(t, sim)
	d := lines(`^(?P<v>\d+)$`)
	d.Send, d.Timeout = "?", 200*time.Millisecond
	got, err := read(t, prepare(t, open(t, l), point(0, d, "v")), 5*time.Second)
	if err != nil || len(got) != 1 || got[0].Quality != telemetry.BadDecoding {
		t.Errorf("%v, %v; want bad: decoding error, and no error: it did answer", got, err)
	}
}

func TestTheEchoOfAQuestionIsNoAnswer(t *testing.T) {
	l := line(t)
	sim := &serialsim.Asked{Line: l}
	sim.Set("READ 1\r\n", "READ 1\r\n42\r\n") // a two-wire line that hears itself
	run(t, sim)
	d := lines(`^(?P<v>\d+)$`)
	d.Send = "READ 1\r\n"
	got, err := read(t, prepare(t, open(t, l), point(0, d, "v")), 5*time.Second)
	if err != nil || len(got) != 1 || got[0].Value != telemetry.Float64(42) {
		t.Errorf("%v, %v; want 42", got, err)
	}
}

func TestAskingAndTalkingOnOneLineIsRefused(t *testing.T) {
	a := open(t, line(t))
	d := lines(`(?P<v>\d+)`)
	d.Send = "?"
	prepare(t, a, point(0, d, "v"))
	err := a.(adapters.Subscriber).Subscribe(t.Context(), []adapters.Point{point(1, toledo(), "gross")}, func([]telemetry.Sample) {})
	if err == nil || !strings.Contains(err.Error(), "a line of its own") {
		t.Errorf("subscribe: %v; want it to say what to do", err)
	}
}
