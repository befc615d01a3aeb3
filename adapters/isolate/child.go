package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// IsChild reports whether a program with these arguments was started to run one adapter: its main then calls Child, before anything else.
func IsChild(args []string) bool {
	return len(args) == 2 && args[1] == argument && os.Getenv(insideChild) != ""
}

// Child runs one adapter of these kinds for the process at the other end of standard input and output, and returns the exit code.
func Child(kinds []adapters.Kind) int {
	// Whoever stops the gateway may signal the whole group of processes. This one goes when the gateway has let go of it.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	runtime.MemProfileRate = 0
	debug.SetGCPercent(25)
	// What a hostile server makes it ask for is taken from here first when the machine runs out of memory.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	if err := serve(os.Stdin, os.Stdout, kinds); err != nil {
		fmt.Fprintln(os.Stderr, "penstock: "+err.Error())
		return 1
	}
	return 0
}

// server is the side of the pipe that has the adapter.
type server struct {
	kinds []adapters.Kind

	out    sync.Mutex // frames go out whole
	to     io.Writer
	buffer []byte // under out

	one      sync.Mutex // the adapter is called by one goroutine at a time
	settings adapters.Connection
	adapter  adapters.Adapter // set by open, before any other order

	mu      sync.Mutex
	cancels map[uint32]context.CancelFunc
	readers map[uint32]adapters.Reader
	running sync.WaitGroup
}

// serve does as it is told until the input ends, and then takes its leave of the equipment.
func serve(from io.Reader, to io.Writer, kinds []adapters.Kind) error {
	s := &server{kinds: kinds, to: to, cancels: map[uint32]context.CancelFunc{}, readers: map[uint32]adapters.Reader{}}
	ctx, cancel := context.WithCancel(context.Background())
	in := frameReader{from: from}
	var err error
	for err == nil {
		var f frame
		if f, err = in.next(); err == nil {
			err = s.take(ctx, f)
		}
	}
	defer time.AfterFunc(leaveLimit, func() { os.Exit(1) }).Stop()
	cancel()
	s.one.Lock() // an attempt to open ends by its context
	if s.adapter != nil {
		err = errors.Join(err, s.adapter.Close())
	}
	s.one.Unlock()
	s.running.Wait()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// take begins one order. An error ends the process.
func (s *server) take(ctx context.Context, f frame) error {
	switch f.kind {
	case kindPing:
		return s.done(f.call, result{})
	case kindCancel:
		s.mu.Lock()
		defer s.mu.Unlock()
		if cancel := s.cancels[f.call]; cancel != nil {
			cancel()
		}
		return nil
	case kindRelease:
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.readers, f.call)
		return nil
	}
	var o order
	if err := json.Unmarshal(f.payload, &o); err != nil {
		return fmt.Errorf("an order that can't be understood: %w", err)
	}
	var do func(context.Context, uint32, order) result
	switch f.kind {
	case kindOpen:
		do = s.exclusive(s.open)
	case kindPrepare:
		do = s.exclusive(s.prepare)
	case kindRead:
		do = s.exclusive(s.read)
	case kindWrite:
		do = s.exclusive(s.write)
	case kindSubscribe:
		do = s.subscribe
	default:
		return fmt.Errorf("a frame of kind %d", f.kind)
	}
	s.begin(ctx, f.call, o, do)
	return nil
}

// begin carries an order out beside others.
func (s *server) begin(ctx context.Context, number uint32, o order, do func(context.Context, uint32, order) result) {
	cancel := context.CancelFunc(nil)
	if o.Within > 0 {
		ctx, cancel = context.WithTimeout(ctx, o.Within)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	s.mu.Lock()
	s.cancels[number] = cancel
	s.mu.Unlock()
	s.running.Go(func() {
		r := do(ctx, number, o)
		cancel()
		s.mu.Lock()
		delete(s.cancels, number)
		s.mu.Unlock()
		_ = s.done(number, r) // a pipe that is broken is seen by serve, too
	})
}

func (s *server) exclusive(do func(context.Context, uint32, order) result) func(context.Context, uint32, order) result {
	return func(ctx context.Context, number uint32, o order) result {
		s.one.Lock()
		defer s.one.Unlock()
		return do(ctx, number, o)
	}
}

func (s *server) open(ctx context.Context, _ uint32, o order) (r result) {
	for _, k := range s.kinds {
		if k.Name != o.Kind {
			continue
		}
		settings := k.New()
		if err := json.Unmarshal(o.Settings, settings); err != nil {
			return resultOf(fmt.Errorf("settings that can't be understood: %w", err))
		}
		a, err := settings.Open(ctx, slog.New(&handler{server: s, level: o.Level}))
		if err != nil {
			return resultOf(err)
		}
		s.settings, s.adapter = settings, a
		_, r.Writes = a.(adapters.Writer)
		_, r.Subscribes = a.(adapters.Subscriber)
		_, r.Resumes = a.(adapters.Resumer)
		return r
	}
	return resultOf(fmt.Errorf("BUG: there is no protocol %q", o.Kind))
}

var errNotOpen = errors.New("BUG: nothing is open")

func (s *server) prepare(_ context.Context, number uint32, o order) result {
	if s.adapter == nil {
		return resultOf(errNotOpen)
	}
	points, err := unpackPoints(s.settings, o.Points)
	if err != nil {
		return resultOf(err)
	}
	r, err := s.adapter.Prepare(points)
	if err != nil {
		return resultOf(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers[number] = r
	return result{}
}

func (s *server) read(ctx context.Context, number uint32, o order) result {
	s.mu.Lock()
	r := s.readers[o.Reader]
	s.mu.Unlock()
	if r == nil {
		return resultOf(errNotOpen)
	}
	return resultOf(r.Read(ctx, s.emitter(number)))
}

func (s *server) write(ctx context.Context, _ uint32, o order) result {
	w, ok := s.adapter.(adapters.Writer)
	if !ok || len(o.Points) != 1 {
		return resultOf(errNotOpen)
	}
	points, err := unpackPoints(s.settings, o.Points)
	if err != nil {
		return resultOf(err)
	}
	v, _, err := decodeSample(o.Value)
	if err != nil {
		return resultOf(err)
	}
	return resultOf(w.Write(ctx, points[0], v.Value))
}

func (s *server) subscribe(ctx context.Context, number uint32, o order) result {
	s.one.Lock()
	subscriber, ok := s.adapter.(adapters.Subscriber)
	s.one.Unlock()
	if !ok {
		return resultOf(errNotOpen)
	}
	points, err := unpackPoints(s.settings, o.Points)
	if err != nil {
		return resultOf(err)
	}
	if resumer, ok := subscriber.(adapters.Resumer); ok && len(o.Since) > 0 {
		return resultOf(resumer.Resume(ctx, points, o.Since, s.emitter(number)))
	}
	return resultOf(subscriber.Subscribe(ctx, points, s.emitter(number)))
}

// batch is how many bytes of samples go into a frame, before the one that goes over.
const batch = 64 << 10

// emitter sends samples on. A pipe that is full holds the adapter up, as a slow gateway would.
func (s *server) emitter(number uint32) adapters.Emit {
	return func(samples []telemetry.Sample) {
		s.out.Lock()
		defer s.out.Unlock()
		for len(samples) > 0 {
			payload := s.buffer[:0]
			for len(samples) > 0 && len(payload) < batch {
				payload, samples = appendSample(payload, samples[0]), samples[1:]
			}
			s.buffer = payload[:0]
			_ = s.put(frame{kindSamples, number, payload}) // a pipe that is broken is seen by serve, too
		}
	}
}

func (s *server) done(number uint32, r result) error {
	payload, err := json.Marshal(r)
	if err != nil {
		return err
	}
	s.out.Lock()
	defer s.out.Unlock()
	return s.put(frame{kindDone, number, payload})
}

// put writes a frame; the caller holds out.
func (s *server) put(f frame) error {
	_, err := s.to.Write(appendFrame(nil, f))
	return err
}
