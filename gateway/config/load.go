package config

import (
	"io/fs"
	"os"
	"time"

	"github.com/penstock-edge/penstock/adapters"
	"github.com/penstock-edge/penstock/sync/telemetry"
)

// Loader is what a file means beyond itself. Only Kinds is needed.
type Loader struct {
	Kinds     []adapters.Kind
	Templates fs.FS                       // templates that come with the program, searched after template_path
	Getenv    func(string) (string, bool) // nil: the process's environment
}

// Load reads a file with the protocols given.
func Load(path string, kinds []adapters.Kind) (*Config, *Report) {
	return Loader{Kinds: kinds}.Load(path)
}

// Load reads the file, its includes and templates. The Config is nil when the report has errors.
func (l Loader) Load(path string) (*Config, *Report) { return l.load(path, disk{}) }

// loading is one call of Load.
type loading struct {
	Loader
	files     files
	found     *mistakes
	cfg       *Config
	links     []*link
	byName    map[string]*link // connections
	defined   map[string]place // devices, by name
	templates map[string]*template
	folders   []string // where templates are looked for

	nowhere    *link                        // of devices without equipment
	virtuals   map[string]int               // those devices, by name: their places in cfg.Virtual
	unset      []unset                      // their points, as far as they are declared
	ids        map[string]telemetry.PointID // every point, by its full name
	lost       map[string]bool              // devices of which a mistake was reported already: their points may be missing
	interlocks []interlock                  // of guards
}

func (l Loader) load(path string, files files) (*Config, *Report) {
	if l.Getenv == nil {
		l.Getenv = os.LookupEnv
	}
	run := &loading{
		Loader: l, files: files, found: newMistakes(), cfg: &Config{Path: path},
		byName: map[string]*link{}, defined: map[string]place{}, templates: map[string]*template{},
		nowhere: &link{units: map[string]string{}}, virtuals: map[string]int{}, ids: map[string]telemetry.PointID{}, lost: map[string]bool{},
	}
	run.site(run.merged(path))
	report := run.found.sorted()
	if report.Errors() > 0 {
		return nil, report
	}
	return run.cfg, report
}

// sections is what stands at the left edge of the file.
type sections struct {
	Version      int                      `yaml:"version" required:"true"`
	Gateway      *node                    `yaml:"gateway"`
	State        string                   `yaml:"state" path:"true"`
	Include      []string                 `yaml:"include"`
	TemplatePath []string                 `yaml:"template_path" path:"true"`
	Scan         map[string]time.Duration `yaml:"scan"`
	Connections  *node                    `yaml:"connections"`
	Devices      *node                    `yaml:"devices"`
	Rules        *node                    `yaml:"rules"`
	Exec         []string                 `yaml:"exec"`
	Buffer       *node                    `yaml:"buffer"`
	Cloud        *node                    `yaml:"cloud"`
	Local        *node                    `yaml:"local"`
}

const (
	version      = 1
	defaultState = "/var/lib/penstock"
)

// site reads the merged file section by section, each with what the ones before it said.
func (l *loading) site(root *node) {
	if root == nil {
		return
	}
	s := sections{Version: version, State: defaultState}
	f := newForm(l.found, "the file", root.at, &s)
	f.fill(root, f.where)
	f.complete()
	if g, ok := f.got("version"); ok && !g.spoiled && s.Version != version {
		f.wrongValue("version", "write version: 1", "this program reads version %d", version)
	}
	l.cfg.State = s.State
	l.folders = templateFolders(f, s.TemplatePath)
	l.scanRates(f, s.Scan)
	l.cfg.Gateway = l.gateway(s.Gateway)
	l.connections(s.Connections)
	l.devices(s.Devices)
	l.join()
	l.programs(f, s.Exec)
	l.rules(s.Rules)
	l.checkInterlocks()
	l.warnUnset()
	l.cfg.Buffer = l.buffer(s.Buffer, s.State)
	l.cfg.Local = l.local(s.Local)
	l.targets(s.Cloud, s.State)
	l.globs(s.Buffer, "keep", l.cfg.Buffer.Keep)
}

// join puts the connections with their devices into the Config, in the file's order.
func (l *loading) join() {
	for _, link := range l.links {
		if len(link.Devices) == 0 && !link.used && l.found.report.Errors() == 0 {
			l.found.warn(link.at, "give a device connection: "+link.Name+", or take it out", "connection %s has no devices", link.Name)
		}
		c := link.Connection
		if link.wrap != nil && c.Settings != nil {
			c.Settings = link.wrap(c.Settings)
		}
		l.cfg.Connections = append(l.cfg.Connections, c)
	}
	for i, d := range l.nowhere.Devices {
		l.virtuals[d.Name] = i
	}
	l.cfg.Virtual = l.nowhere.Devices
	for _, p := range l.cfg.Points {
		l.ids[p.FullName()] = p.ID
	}
}
