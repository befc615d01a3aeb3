package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/penstock-edge/penstock/cloud"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

func TestOnlyWhoIsLoggedInSeesAPage(t *testing.T) {
	s := newSite(t)
	s.plant()
	s.out = true
	for _, path := range []string{"/", "/gateways/plant7", "/gateways/plant7/points/press.oil_temp", "/gateways/nobody", "/things", "/things/x", "/what"} {
		status, body, h := s.get(path)
		if status != http.StatusSeeOther || h.Get("Location") != "/login" || strings.Contains(body, "press") {
			t.Errorf("%s: %d %s %s", path, status, h.Get("Location"), body)
		}
		if status, _, h := s.get(path, "HX-Request", "true"); status != http.StatusUnauthorized || h.Get("HX-Redirect") != "/login" {
			t.Errorf("a part of %s: %d %v", path, status, h)
		}
	}
	s.shows("/login", `type="password"`, "penstock-cloud init")
	if status, body, _ := s.get("/login?error=token"); status != http.StatusUnauthorized || !strings.Contains(body, "not the admin token") {
		t.Errorf("a wrong token: %d %s", status, body)
	}
}

func TestNothingIsChangedHere(t *testing.T) {
	s := newSite(t)
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		w := httptest.NewRecorder()
		s.web.routes().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/gateways/plant7", nil))
		if w.Code < 400 {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/login", "/nothing", s.web.assets.path("page.css")} {
		_, _, h := s.get(path)
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", path, h)
		}
	}
	if _, _, h := s.get("/"); h.Get("Cache-Control") != "no-store" {
		t.Errorf("a page is kept: %v", h)
	}
}

// Names, units, texts and tags come from devices, and from whoever may publish. They are shown, and do nothing.
func TestStoredScriptsDoNothing(t *testing.T) {
	const evil = `<script>alert(1)</script>"'onload=alert(2) x='`
	s := newSite(t)
	s.thing("plant7", cloud.KindGateway)
	s.presence("plant7", true, 0)
	quoted := strings.ReplaceAll(evil, `"`, `\"`)
	s.birth("plant7", `{"gateway":"plant7","site":"`+quoted+`","version":"`+quoted+`","started":"2026-03-01T00:00:00Z","devices":[{"name":"`+quoted+`","connection":"`+quoted+
		`","kind":"`+quoted+`","tags":{"`+quoted+`":"`+quoted+`"},"points":[{"name":"p","unit":"`+quoted+`","type":"`+quoted+`","where":"`+quoted+`","enum":{"1":"`+quoted+`"}}]}]}`)
	s.block("plant7", 1, evil+".p", telemetry.Good, telemetry.Int64(1))
	s.block("plant7", 2, "javascript:alert(1)", telemetry.Good, telemetry.String(evil))
	s.thing("thermo1", cloud.KindThing)
	s.block("thermo1", 0, evil, telemetry.Good, telemetry.String(evil))
	var links []string
	for _, path := range []string{"/", "/?q=%3Cscript%3Ealert(1)%3C/script%3E&state=%22%3E", "/gateways/plant7", "/gateways/plant7?q=%22%3E%3Cscript%3Ealert(1)&device=%22", "/things/thermo1"} {
		body := s.shows(path)
		harmless(t, path, body)
		for _, m := range regexp.MustCompile(`href="([^"]*/points/[^"]*)"`).FindAllStringSubmatch(body, -1) {
			links = append(links, m[1])
		}
	}
	if len(links) < 3 {
		t.Fatalf("only %d points are linked", len(links))
	}
	for _, path := range links {
		for _, query := range []string{"", "?view=table&range=7d"} {
			harmless(t, path+query, s.shows(path+query))
		}
	}
}

func harmless(t *testing.T, path, body string) {
	t.Helper()
	for _, bad := range []string{"<script>", "<script>alert", `"'onload`, `href="javascript`} {
		if strings.Contains(body, bad) {
			t.Errorf("%s has %s in it:\n%s", path, bad, body)
		}
	}
}

// The policy forbids them: they would silently not work.
func TestTemplatesHaveNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\sstyle=|\son[a-z]+=|<style|<script>|hx-on|javascript:`)
	files, err := templates.ReadDir("templates")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	for _, f := range files {
		text, err := templates.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if found := inline.FindString(string(text)); found != "" {
			t.Errorf("%s has %q", f.Name(), found)
		}
	}
	for name, f := range newAssets().files {
		if name == "htmx.js" || name == "uplot.js" || !strings.HasSuffix(name, ".js") {
			continue
		}
		for _, bad := range []string{"innerHTML", "outerHTML =", "insertAdjacentHTML", "document.write", "eval(", `setAttribute("style"`, "https://", "cdn"} {
			if strings.Contains(string(f.plain), bad) {
				t.Errorf("%s uses %s", name, bad)
			}
		}
	}
}

func TestAssets(t *testing.T) {
	s := newSite(t)
	sum := 0
	for name, f := range s.web.assets.files {
		sum += len(f.packed)
		status, body, h := s.get(s.web.assets.path(name), "Accept-Encoding", "gzip")
		if status != 200 || !strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("Content-Encoding") != "gzip" || h.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", name, status, h)
		}
		if z, err := gzip.NewReader(strings.NewReader(body)); err != nil {
			t.Errorf("%s: %v %v", name, z, err)
		}
	}
	t.Logf("all assets: %d bytes with gzip", sum)
	if most := 200 << 10; sum > most {
		t.Errorf("the assets have %d bytes with gzip, %d are the most", sum, most)
	}
	if status, _, h := s.get("/static/old/page.css"); status != 200 || h.Get("Cache-Control") != "no-store" {
		t.Errorf("an old address: %d %v", status, h)
	}
	if status, _, _ := s.get("/static/x/../web.go"); status == 200 {
		t.Error("a file that is no asset")
	}
}
