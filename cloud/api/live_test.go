package api

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestAlarmsAndCommandsAreSeenLive(t *testing.T) {
	events := make(chan cloud.Live, 2)
	events <- cloud.Live{Thing: "plant7", Alarms: []cloud.Alarm{{Gateway: "plant7", Name: "oil_hot", State: isa.Returned}}}
	events <- cloud.Live{Thing: "plant7", Commands: []cloud.Command{{Execution: "01A", Status: wire.CommandSucceeded}}}
	server := httptest.NewServer(New(Options{Watch: func(context.Context, string) <-chan cloud.Live { return events }, Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	want := []string{"event: alarms", `"state":"returned unacknowledged"`, "event: commands", `"status":"SUCCEEDED"`}
	for lines := bufio.NewScanner(res.Body); len(want) > 0 && lines.Scan(); {
		if strings.Contains(lines.Text(), want[0]) {
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("never seen: %v", want)
	}
}
