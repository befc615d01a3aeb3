//go:build interop

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium with one tab.
type browser struct {
	t   *testing.T
	tab context.Context // the browser lives as long
	ctx context.Context // of the tab, with the time that the test may take
	url string

	mu     sync.Mutex
	errors []string // what the pages complained of: scripts that threw, what the content policy refused
}

func newBrowser(t *testing.T, url string) *browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not there: run make test, which installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox,
		chromedp.DisableGPU, chromedp.IgnoreCertErrors, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Env("TZ=Europe/Berlin"))
	allocated, release := chromedp.NewExecAllocator(context.Background(), options...)
	tab, end := chromedp.NewContext(allocated)
	t.Cleanup(func() { _ = chromedp.Cancel(tab); end(); release() }) // the browser is gone when Cancel returns
	b := &browser{t: t, tab: tab, url: url}
	if err := chromedp.Listen(tab, b.heard); err != nil {
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	b.ctx, cancel = context.WithTimeout(tab, 2*time.Minute)
	t.Cleanup(cancel)
	b.size(1280, 900)
	return b
}

// heard collects what went wrong in a page.
func (b *browser) heard(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.errors = append(b.errors, e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL+" "+describe(e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.errors = append(b.errors, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func describe(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	return o.Description
}

// complaints are what the pages said since the last time.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.errors
	b.errors = nil
	return list
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
}

// evaluate runs a script in the page, waits for what it promises, and gives its result.
func evaluate[T any](b *browser, script string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("in the browser: %v: %s", err, script)
	}
	return v
}

// tell sends one of the browser's own.
func tell[P, R any](b *browser, c cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, c, params); err != nil {
		b.t.Fatalf("in the browser: %v", err)
	}
}

func (b *browser) size(width, height int64) {
	b.t.Helper()
	tell(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

func (b *browser) scheme(name string) {
	b.t.Helper()
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}
	tell(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// offline takes the network away, or gives it back. Chromium leaves the streams that are open alone then, which no real network does, so
// the page is told what a browser tells it when the network goes.
func (b *browser) offline(is bool) {
	b.t.Helper()
	tell(b, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: is, DownloadThroughput: -1, UploadThroughput: -1})
	event := map[bool]string{true: "offline", false: "online"}[is]
	b.until("the event "+event, "dispatchEvent(new Event('"+event+"'))")
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// until waits for an expression to hold in the page.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		holds, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && holds {
			return
		}
		if time.Now().After(deadline) {
			b.shot("failed")
			b.t.Fatalf("%s did not come about: %s (%v)\n%s", what, expression, err, b.text("body"))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	return evaluate[string](b, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// sizes are the screens that every page has to hold on.
var sizes = []struct {
	name          string
	width, height int64
}{{"wide", 1280, 900}, {"phone", 390, 844}}

// looks takes pictures of the page, wide and on a phone, light and dark, and demands that none of them scrolls sideways.
func (b *browser) looks(name string) {
	b.t.Helper()
	for _, s := range sizes {
		b.size(s.width, s.height)
		evaluate[bool](b, painted)
		if wide := evaluate[int64](b, "document.documentElement.scrollWidth"); wide > s.width {
			b.t.Errorf("%s is %d wide on a screen of %d", name, wide, s.width)
		}
		if os.Getenv("PENSTOCK_SCREENSHOTS") == "" {
			continue
		}
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(scheme)
			evaluate[bool](b, painted)
			b.shot(name + "-" + s.name + "-" + scheme)
		}
	}
	b.size(1280, 900)
	b.scheme("light")
}

// painted lets the page paint what it still wants to.
const painted = "new Promise(done => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))), 400))"

// shot writes a picture into the folder PENSTOCK_SCREENSHOTS, if it is set.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("PENSTOCK_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// picture takes one for a chapter.
func (b *browser) picture(name string, height int64) {
	b.t.Helper()
	b.size(1100, height)
	evaluate[bool](b, painted)
	b.shot(name)
	b.size(1280, 900)
}

// A person logs in, sees the fleet, opens a gateway and a point, sees values move, and looks at other stretches of time.
func TestBrowser(t *testing.T) {
	s := newShell(t)
	b := newBrowser(t, os.Getenv("PENSTOCK_CLOUD_URL"))
	b.open("/")
	b.until("the login", "location.pathname === '/login'")
	b.looks("login")
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), "wrong\n"))
	b.until("a clear refusal", "document.querySelector('#wrong')")
	b.looks("login-wrong")
	b.complaints() // Chromium reports the 401 itself
	b.do(chromedp.SendKeys(chromedp.CSS("#token"), s.token+"\n"))
	b.until("the empty fleet", "document.body.innerText.includes('No gateway yet')")
	b.looks("fleet-empty")

	stop := s.feed()
	b.until("the fleet without a reload", "document.querySelectorAll('#fleet tbody tr').length === 4")
	b.until("presence", "document.querySelector('#fleet .st.down') && document.querySelector('#fleet .st.unk') && document.querySelector('#fleet .st.up')")
	b.looks("fleet")
	b.picture("readme-fleet", 480)
	b.click("#tile-down")
	b.until("the filter", "document.querySelectorAll('#fleet tbody tr').length === 1")
	b.deliveries(s)
	b.open("/")
	b.click("#row-plant7")
	b.moves("a live value", "tr[data-point='press.oil_temp'] .val")
	b.until("the line of an hour", "document.querySelector('tr[data-point=\"press.oil_temp\"] svg')")
	b.looks("gateway")
	b.click("tr[data-point='press.oil_temp'] a")
	b.until("the chart", "document.querySelector('#chart canvas') && document.querySelector('#sum').innerText.includes('mean')")
	b.moves("the value", "#point .val")
	b.looks("point")
	b.ranges()
	b.states()
	b.texts()
	b.numbers()
	if list := b.complaints(); len(list) > 0 {
		t.Errorf("the pages complained:\n%s", strings.Join(list, "\n"))
	}
	b.breaks(s, stop) // and Chromium complains of the lines that are cut
}

// moves waits until a text changes by itself.
func (b *browser) moves(what, selector string) {
	b.t.Helper()
	b.until(what, fmt.Sprintf("document.querySelector(%q)", selector))
	before := b.text(selector)
	b.until(what+" to move", fmt.Sprintf("document.querySelector(%q).innerText !== %q", selector, before))
}

// ranges changes the stretch of time, by a click, by the fields and by dragging over the chart.
func (b *browser) ranges() {
	b.t.Helper()
	for _, key := range []string{"6h", "7d", "1y", "live"} {
		before := b.text("#sum")
		b.click("a[data-range='" + key + "']")
		b.until("the stretch "+key, fmt.Sprintf("location.search === '?range=%s' && document.querySelector('#sum').innerText !== %q && !document.querySelector('.loading')", key, before))
		if key == "6h" || key == "live" {
			b.looks("point-" + key)
			b.picture("readme-point-"+key, 600)
		}
	}
	b.click("a[data-range='6h']")
	b.until("6 h", "location.search === '?range=6h' && !document.querySelector('.loading')")
	at := evaluate[struct{ X, Y float64 }](b, `(({x, y}) => ({x, y}))(document.querySelector(".u-over").getBoundingClientRect())`)
	b.do(chromedp.DragAndDropXY(at.X+100, at.Y+50, at.X+300, at.Y+60, 5))
	b.until("a dragged stretch", "location.search.startsWith('?from=') && !document.querySelector('.loading')")
	label := evaluate[string](b, "document.querySelector('#chart').getAttribute('aria-label')")
	if !strings.Contains(label, "press.oil_temp") || !strings.Contains(label, "°C") {
		b.t.Errorf("the chart in words: %q", label)
	}
	b.click("#as-table")
	b.until("the table", "document.querySelectorAll('table.list tbody tr').length > 5")
	b.looks("point-table")
}

// states opens a point with an enumeration, drawn as steps.
func (b *browser) states() {
	b.t.Helper()
	b.open("/gateways/plant7/points/press.state?range=15m")
	b.until("the states", "document.querySelector('#chart canvas') && document.querySelector('#sum').innerText.includes('samples')")
	b.until("a state's name", "['running', 'stopped', 'setup'].includes(document.querySelector('#point .val').innerText)")
	b.looks("point-state")
	b.open("/gateways/plant7/points/scale.weight?range=15m")
	b.until("bad samples", "/[1-9]\\d* bad/.test(document.querySelector('#sum').innerText)")
	b.looks("point-bad")
}

// texts opens a point of text, whose history is a list; what is in it does nothing.
func (b *browser) texts() {
	b.t.Helper()
	b.open("/gateways/plant7/points/press.recipe")
	b.moves("the list of changes", "#changes tbody tr td")
	b.looks("point-text")
	b.open("/things/thermo1")
	b.until("a thing's point", "document.querySelector('tr[data-point]')")
	b.moves("a thing's value", "tr[data-point='temperature'] .val")
	b.looks("thing")
	b.open("/things")
	b.looks("things")
	if hacked := b.text("#hacked"); hacked != "" {
		b.t.Errorf("a script of a device ran: %s", hacked)
	}
	b.open("/gateways/nobody")
	b.looks("not-found")
	b.complaints() // Chromium reports the 404 itself
}

// numbers demands that the script writes numbers as the server does.
func (b *browser) numbers() {
	b.t.Helper()
	text, err := os.ReadFile("../../cloud/web/testdata/numbers.json")
	if err != nil {
		b.t.Fatal(err)
	}
	b.open("/")
	wrong := evaluate[[]string](b, `(async () => {
		const format = await import(document.querySelector("script[type=module]").src.replace("page.js", "format.js"));
		return `+string(text)+`.filter(c => format.number(c.number) !== c.text).map(c => c.text + " is written " + format.number(c.number))
			.concat(format.value(format.parse("[18446744073709551615]")[0], null).text === "18,446,744,073,709,551,615" ? [] : ["2^64-1 is rounded"]);
	})()`)
	for _, w := range wrong {
		b.t.Error(w)
	}
}

// breaks cuts the browser's line, then the gateway's.
func (b *browser) breaks(s *shell, stop func()) {
	b.t.Helper()
	b.open("/gateways/plant7")
	b.moves("a live value", "tr[data-point='press.oil_temp'] .val")
	b.offline(true)
	b.until("a word about the broken line", "!document.querySelector('#paused').hidden")
	b.shot("paused")
	b.offline(false)
	b.until("the line again", "document.querySelector('#paused').hidden")
	b.moves("a live value again", "tr[data-point='press.oil_temp'] .val")
	stop()
	b.until("the gateway down", "document.querySelector('#head .st.down')")
	b.looks("gateway-down")
	s.enrol("a-gateway-whose-name-is-a-good-deal-longer-than-any-phone-will-ever-be-wide")
	b.open("/")
	b.until("the long name", "document.querySelectorAll('#fleet tbody tr').length === 6")
	b.looks("fleet-long")
	b.open("/gateways/north-substation")
	b.until("500 points", "document.querySelectorAll('tr[data-point]').length === 500")
	b.looks("gateway-many")
	b.open("/gateways/plant9-boiler")
	b.looks("gateway-unknown")
	b.click(".out button")
	b.until("logged out", "location.pathname === '/login'")
	b.open("/gateways/plant7")
	b.until("nothing without the token", "location.pathname === '/login'")
}

func quoted(text string) string {
	all, _ := json.Marshal(text) // a string
	return string(all)
}
