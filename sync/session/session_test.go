package session_test

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/sync/session"
)

func TestTheBirthComesBeforeAnythingElse(t *testing.T) {
	s := newServer(t)
	link := s.connect()
	if err := link.Publish(t.Context(), message("first")); err != nil { // waits for the connection
		t.Fatal(err)
	}
	if got := s.got(); !slices.Equal(got, []string{"birth", "first"}) {
		t.Errorf("the server got %q", got)
	}
	if st := link.State(); !st.Connected || st.Connects != 1 || st.Why != "" {
		t.Errorf("%+v, want connected", st)
	}
}

func TestTheAnswersHaveTheirErrors(t *testing.T) {
	s := newServer(t)
	link := s.connect()
	for text, want := range map[string]error{
		"fine":                    nil,
		"nonsense":                session.ErrNotUnderstood,
		"too soon":                session.ErrRefused,
		strings.Repeat("x", 1000): session.ErrNotUnderstood, // with its topic it is above the server's limit
		strings.Repeat("x", 900):  nil,
	} {
		if err := link.Publish(t.Context(), message(text)); !errors.Is(err, want) {
			t.Errorf("%.10q: %v, want %v", text, err, want)
		}
	}
	if st := link.State(); !st.Connected || st.Connects != 1 {
		t.Errorf("%+v: no answer is worth a reconnection", st)
	}
}

func TestAConnectionThatIsCutComesBackByItself(t *testing.T) {
	s := newServer(t)
	link := s.connect()
	if err := link.Publish(t.Context(), message("before")); err != nil {
		t.Fatal(err)
	}
	s.stop()
	until(t, "the loss", func() bool { return !link.State().Connected })
	if st := link.State(); st.Why == "" {
		t.Errorf("%+v does not say why", st)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := link.Publish(short, message("never")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Publish without a connection: %v, want to wait", err)
	}
	s.run(s.address)
	if err := link.Publish(t.Context(), message("after")); err != nil {
		t.Fatal(err)
	}
	if got := s.got(); !slices.Equal(got, []string{"birth", "before", "birth", "after"}) {
		t.Errorf("the server got %q", got)
	}
	if st := link.State(); st.Connects != 2 {
		t.Errorf("%+v, want two connections", st)
	}
}

func TestAnIdentityThatComesLateIsTakenUp(t *testing.T) {
	s := newServer(t)
	config := s.identity("plant7")
	var there atomic.Bool
	link := s.connectAs(session.Options{TLS: func() (*tls.Config, error) {
		if !there.Load() {
			return nil, errors.New("there is no identity yet")
		}
		return config.Clone(), nil
	}})
	until(t, "the reason", func() bool { return link.State().Why == "there is no identity yet" })
	there.Store(true)
	until(t, "the connection", func() bool { return link.State().Connected })
}

func TestWhoIsNotLetInIsToldWhy(t *testing.T) {
	s := newServer(t)
	for what, c := range map[string]struct {
		o    session.Options
		deny bool
		says string
	}{
		"the server says no": {session.Options{}, true, "is its certificate still active, or its password right?"},
		"a foreign CA": {session.Options{TLS: func() (*tls.Config, error) {
			return newServer(t).identity("plant7"), nil
		}}, false, "certificate"},
		"a birth that is refused": {session.Options{Birth: func() []session.Message {
			return []session.Message{message("nonsense")}
		}}, false, "birth: "},
	} {
		t.Run(what, func(t *testing.T) {
			s.mu.Lock()
			s.deny = c.deny
			s.mu.Unlock()
			link := s.connectAs(c.o)
			until(t, "the reason", func() bool { return strings.Contains(link.State().Why, c.says) })
			if link.State().Connected {
				t.Error("connected")
			}
		})
	}
}

func TestASecondOfTheSameNameIsNamed(t *testing.T) {
	s := newServer(t)
	first := s.connect()
	until(t, "the first", func() bool { return first.State().Connected })
	second := s.connect()
	until(t, "one of the two is told", func() bool {
		return strings.Contains(first.State().Why+second.State().Why, "is a copy of it running?")
	})
}

func TestAURLThatIsNoTarget(t *testing.T) {
	for _, url := range []string{"", "cloud:8883", "mqtts://cloud", "https://cloud", "mqtts://"} {
		if _, err := session.New(session.Options{URL: url}); err == nil {
			t.Errorf("%q is taken for a target", url)
		}
	}
}
