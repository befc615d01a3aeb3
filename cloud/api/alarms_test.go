package api

import (
	"net/url"
	"slices"
	"testing"

	"github.com/penstock-edge/penstock/cloud"
	isa "github.com/penstock-edge/penstock/sync/alarm"
)

// pages reads a list to its end, page after page.
func pages[T any](s *site, path, field string) (all []T) {
	s.t.Helper()
	for before := ""; ; {
		var part []T
		var next string
		s.want(200, "GET", path+"&before="+before, "", field, &part)
		all = append(all, part...)
		if _, answer := s.ask("GET", path+"&before="+before, ""); answer["next"] == nil {
			return all
		}
		s.want(200, "GET", path+"&before="+before, "", "next", &next)
		before = next
	}
}

func TestAlarmsAreListedPageByPage(t *testing.T) {
	s := newSite(t)
	if got := pages[cloud.Alarm](s, "/api/v1/alarms?", "alarms"); len(got) != 0 {
		t.Errorf("no alarms are %+v", got)
	}
	s.raise("a", "b", "c", "d", "e")
	for _, path := range []string{"/api/v1/alarms?max=2", "/api/v1/alarms?max=2&gateway=plant7&state=active", "/api/v1/alarms?max=2&gateway=plant7:press&state=all"} {
		var names []string
		for _, a := range pages[cloud.Alarm](s, path, "alarms") {
			names = append(names, a.Name)
		}
		if !slices.Equal(names, []string{"e", "d", "c", "b", "a"}) {
			t.Errorf("%s lists %v, want the newest first", path, names)
		}
	}
	if got := pages[cloud.Alarm](s, "/api/v1/alarms?state=hidden", "alarms"); len(got) != 0 {
		t.Errorf("hidden are %+v", got)
	}
	history := pages[cloud.AlarmRecord](s, "/api/v1/alarms/history?max=2&name=c", "events")
	if len(history) != 1 || history[0].Alarm != "c" || history[0].Gateway != "plant7" || history[0].Kind != "raised" {
		t.Errorf("the history of c is %+v", history)
	}
	for path, status := range map[string]int{
		"/api/v1/alarms?state=on": 400, "/api/v1/alarms?before=yesterday": 400, "/api/v1/alarms?max=0": 400, "/api/v1/alarms?gateway=plant9": 404,
		"/api/v1/alarms/history?before=1": 400, "/api/v1/alarms/plant7/nothing": 404,
	} {
		s.want(status, "GET", path, "", "", nil)
	}
}

func TestAlarmIsAcknowledged(t *testing.T) {
	s := newSite(t)
	name := "oil/hot 90 %"
	s.raise(name)
	path := "/api/v1/alarms/plant7:press/" + url.PathEscape(name)
	var pending isa.Acknowledgement
	s.want(200, "POST", path+"/acknowledge", `{"comment": "on my way"}`, "pending", &pending)
	if pending.Who != (isa.Who{Name: "admin", Comment: "on my way"}) || pending.Sequence != 7 {
		t.Errorf("pending is %+v", pending)
	}
	s.want(200, "POST", path+"/acknowledge", "", "pending", &pending)
	s.want(200, "GET", path, "", "pending", &pending)
	s.want(400, "POST", path+"/acknowledge", `{"why": "on my way"}`, "", nil)
	s.want(404, "POST", "/api/v1/alarms/plant7/other/acknowledge", "", "", nil)
}
