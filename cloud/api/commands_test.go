package api

import (
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/wire"
)

func TestValueIsWritten(t *testing.T) {
	s := newSite(t)
	path := "/api/v1/gateways/plant7/points/press.start/write"
	for _, bad := range []struct{ query, body string }{
		{"", ""}, {"", `{"value": tru}`}, {"", `{"value": true, "ttl": "soon"}`}, {"", `{"value": true, "ttl": "0s"}`}, {"?wait=1h", `{"value": true}`},
		{"?wait=-1s", `{"value": true}`}, {"", `{"value": true, "at": 1}`},
	} {
		s.want(400, "POST", path+bad.query, bad.body, "", nil)
	}
	s.want(404, "POST", "/api/v1/gateways/plant9/points/press.start/write", `{"value": true}`, "", nil)

	var execution string
	s.want(202, "POST", path, `{"value": true}`, "execution", &execution)
	s.want(429, "POST", path, `{"value": true}`, "", nil)
	var status wire.CommandStatus
	s.want(200, "GET", "/api/v1/commands/"+execution, "", "status", &status)
	if status != wire.CommandCreated {
		t.Errorf("it is %s", status)
	}
	if open := pages[cloud.Command](s, "/api/v1/commands?gateway=plant7&state=open&max=1", "commands"); len(open) != 1 || open[0].Who != "admin" || open[0].Point != "press.start" {
		t.Errorf("open are %+v", open)
	}
	s.want(404, "GET", "/api/v1/commands/01X", "", "", nil)
	s.want(400, "GET", "/api/v1/commands?state=new", "", "", nil)
	s.want(404, "GET", "/api/v1/commands?gateway=plant9", "", "", nil)
}

func TestWriteWaitsForTheAnswer(t *testing.T) {
	s := newSite(t)
	var status wire.CommandStatus
	s.want(200, "POST", "/api/v1/gateways/plant7/points/press.start/write?wait=5s", `{"value": true}`, "status", &status)
	if status != wire.CommandSucceeded {
		t.Errorf("it is %s", status)
	}
}
