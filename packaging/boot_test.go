//go:build interop

// Package packaging tries the Debian packages where they will live: on a Debian booted under systemd, with the gateway, its
// cloud and a Modbus device. What it needs beside Go, make tools makes.
package packaging

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// site reads the plant's counter and sends it to the cloud on the same machine.
const site = `version: 1
gateway: {id: booted}
scan: {normal: 100ms}
connections:
  plc: {modbus: tcp, address: "127.0.0.1:502"}
devices:
  - name: press
    connection: plc
    unit: 1
    points:
      cycles: {at: hr:0, type: uint16}
cloud:
  - {name: main, url: "mqtts://localhost:8883", send: {every: 1s}}
`

// status is what this test reads of penstock status.
type status struct {
	SamplesKept int `json:"samples_kept"`
	Buffer      struct{ Samples int }
	Targets     []struct{ Connected bool }
	Connections []struct{ State string }
}

// ledger is what it reads of penstock-cloud ledger.
type ledger struct {
	Epochs []struct {
		StoredSamples int `json:"stored_samples"`
		Gaps          []any
	}
}

func TestPackages(t *testing.T) {
	m := boot(t, func(root string) {
		here(t, "make", "--no-print-directory", "-C", "..", "package-amd64", "VERSION=0.0.1", "PACKAGES="+filepath.Join(root, "packages"))
		t.Setenv("CGO_ENABLED", "0") // it must run where no C library of ours is
		here(t, "go", "build", "-o", filepath.Join(root, "usr/local/bin/plant"), "./testdata/plant")
	})
	m.run("systemd-run", "--unit=plant", "/usr/local/bin/plant")

	install(m)
	startCloud(m)
	enroll(m)
	unprivileged(m)
	hardened(m)
	killed(m)
	hung(m)
	upgraded(m)
	removed(m)
}

// install: what the packages bring is there, nothing runs that nobody asked for, and the shipped configuration is good.
func install(m *machine) {
	m.run("sh", "-c", "dpkg -i /packages/*.deb")
	for _, unit := range []string{"penstock", "penstock-cloud"} {
		if state := m.show(unit, "ActiveState"); state != "inactive" {
			m.t.Errorf("after the installation %s is %s", unit, state)
		}
	}
	if got := m.run("stat", "-c", "%U:%G %a", "/etc/penstock/gateway.yaml", "/var/lib/penstock", "/var/lib/penstock-cloud"); got !=
		"root:penstock 640\npenstock:penstock 750\npenstock-cloud:penstock-cloud 700" {
		m.t.Errorf("owners and modes: %s", got)
	}
	for _, file := range []string{"usr/share/man/man1/penstock.1.gz", "usr/share/man/man1/penstock-cloud.1.gz", "usr/share/penstock/templates/eastron-sdm630.yaml",
		"usr/share/bash-completion/completions/penstock", "usr/share/doc/penstock/gateway.yaml", "usr/share/doc/penstock/examples/plant.yaml"} {
		if !m.has(file) {
			m.t.Errorf("/%s is not there", file)
		}
	}
	m.run("penstock", "check", "/etc/penstock/gateway.yaml")
	m.run("systemctl", "enable", "--now", "penstock")
	var s status
	if err := m.ask(&s, "penstock", "status", "-o", "json"); err != nil || len(s.Connections) != 0 {
		m.t.Errorf("as installed: %+v %v", s, err)
	}
}

// startCloud makes the cloud's configuration as the package's message says, and runs it.
func startCloud(m *machine) {
	var made struct {
		Token string `json:"admin_token"`
	}
	if err := m.ask(&made, "runuser", "-u", "penstock-cloud", "--", "penstock-cloud", "init", "--dir", "/etc/penstock-cloud", "-o", "json"); err != nil {
		m.t.Fatal(err)
	}
	m.token = made.Token
	m.run("systemctl", "enable", "--now", "penstock-cloud")
	if !m.has("var/lib/penstock-cloud/pki/ca.key") {
		m.t.Error("the CA's key is not under /var/lib/penstock-cloud")
	}
}

// enroll gives the gateway its identity and its site, and waits for samples.
func enroll(m *machine) {
	token := m.cloud("invite", "booted")
	m.write("etc/penstock/gateway.yaml", site)
	m.run("runuser", "-u", "penstock", "--", "penstock", "enroll", "https://localhost:8443", "--token", lastWord(token))
	m.run("systemctl", "restart", "penstock")
	until(m.t, "samples are counted and the cloud is connected", func() bool {
		s, ok := m.status()
		return ok && s.SamplesKept >= 20 && s.Targets[0].Connected
	})
}

// unprivileged: the process is nobody who may do anything, except open serial ports.
func unprivileged(m *machine) {
	for _, user := range []string{"penstock", "penstock-cloud"} {
		pid := m.show(user, "MainPID")
		if got := m.run("stat", "-c", "%U", "/proc/"+pid); got != user {
			m.t.Errorf("%s runs as %s", user, got)
		}
		for line := range strings.SplitSeq(m.run("grep", "-E", "^Cap(Prm|Eff|Bnd|Amb)", "/proc/"+pid+"/status"), "\n") {
			if strings.Trim(lastWord(line), "0") != "" {
				m.t.Errorf("%s may do more than a user: %s", user, line)
			}
		}
	}
	dialout := strings.Split(m.run("getent", "group", "dialout"), ":")[2]
	if groups := m.run("grep", "Groups", "/proc/"+m.show("penstock", "MainPID")+"/status"); !strings.Contains(groups, dialout) {
		m.t.Errorf("penstock is not in dialout (%s): %s", dialout, groups)
	}
}

// hardened: systemd's own verdict on the units, of which 10 is the worst.
func hardened(m *machine) {
	for _, unit := range []string{"penstock.service", "penstock-cloud.service"} {
		out, err := m.try("systemd-analyze", "security", "--no-pager", "--threshold=20", unit)
		if err != nil {
			m.t.Errorf("%s is exposed: %v\n%s", unit, err, out)
		}
		m.t.Log(out[strings.LastIndex(out, "\n")+1:])
	}
}

// killed: without a cloud the samples wait; a killed gateway is started again and polls on, and what waited is still there and
// reaches the cloud once.
func killed(m *machine) {
	m.run("systemctl", "stop", "penstock-cloud")
	until(m.t, "samples wait", func() bool { s, ok := m.status(); return ok && s.Buffer.Samples >= 30 })
	before, _ := m.status()
	pid := m.show("penstock", "MainPID")
	m.run("kill", "-KILL", pid)
	m.restarted(pid)
	until(m.t, "it polls again, and nothing that waited is gone", func() bool {
		s, ok := m.status()
		return ok && s.SamplesKept >= 10 && s.Buffer.Samples >= before.Buffer.Samples
	})
	m.run("systemctl", "start", "penstock-cloud")
	until(m.t, "all is in the cloud", func() bool {
		s, ok := m.status()
		return ok && s.Targets[0].Connected && s.Buffer.Samples < 30
	})
	var l ledger
	if err := json.Unmarshal([]byte(m.cloud("ledger", "booted", "-o", "json")), &l); err != nil {
		m.t.Fatal(err)
	}
	for _, e := range l.Epochs {
		if len(e.Gaps) != 0 || e.StoredSamples < before.Buffer.Samples {
			m.t.Errorf("the ledger: %+v, when %d samples waited", l, before.Buffer.Samples)
		}
	}
	if len(l.Epochs) != 1 {
		m.t.Errorf("a restart began a buffer anew: %+v", l)
	}
}

// hung: a gateway that does not move any more is ended by the watchdog and started again.
func hung(m *machine) {
	m.run("sh", "-c", "d=/run/systemd/system/penstock.service.d && mkdir -p $d && printf '[Service]\nWatchdogSec=2s\n' >$d/watchdog.conf")
	m.run("systemctl", "daemon-reload")
	m.run("systemctl", "restart", "penstock")
	pid := m.show("penstock", "MainPID")
	m.run("kill", "-STOP", pid)
	m.restarted(pid)
}

// upgraded: another version keeps the configuration, and the running gateway is the new one.
func upgraded(m *machine) {
	pid := m.show("penstock", "MainPID")
	m.run("sh", "-c", "dpkg -i /packages/penstock_*.deb")
	m.restarted(pid)
	if got := m.run("cat", "/etc/penstock/gateway.yaml"); got != strings.TrimSpace(site) {
		m.t.Errorf("the configuration after an upgrade:\n%s", got)
	}
}

// removed: configuration and samples stay until they are purged.
func removed(m *machine) {
	m.run("apt-get", "remove", "-y", "penstock")
	if state := m.show("penstock", "ActiveState"); state == "active" || m.has("usr/bin/penstock") {
		m.t.Errorf("removed, and still %s", state)
	}
	for _, kept := range []string{"etc/penstock/gateway.yaml", "var/lib/penstock/buffer", "var/lib/penstock/identity/main.key"} {
		if !m.has(kept) {
			m.t.Errorf("removing deleted /%s", kept)
		}
	}
	m.run("apt-get", "purge", "-y", "penstock", "penstock-cloud")
	for _, gone := range []string{"etc/penstock", "var/lib/penstock", "etc/penstock-cloud", "var/lib/penstock-cloud"} {
		if m.has(gone) {
			left, _ := os.ReadDir(filepath.Join(m.root, gone)) // to read beside the failure
			m.t.Errorf("purging left /%s: %v", gone, left)
		}
	}
}

func (m *machine) status() (s status, ok bool) {
	err := m.ask(&s, "penstock", "status", "-o", "json")
	return s, err == nil && len(s.Targets) == 1
}

// restarted waits until the gateway has another process and is ready.
func (m *machine) restarted(old string) {
	m.t.Helper()
	until(m.t, fmt.Sprintf("systemd has replaced process %s", old), func() bool {
		pid := m.show("penstock", "MainPID")
		return pid != "0" && pid != old && m.show("penstock", "ActiveState") == "active"
	})
}

// cloud runs a client command of penstock-cloud with what it needs to get in.
func (m *machine) cloud(args ...string) string {
	m.t.Helper()
	args = append([]string{"penstock-cloud"}, args...)
	return m.run(append(args, "--ca", "/var/lib/penstock-cloud/pki/ca.crt", "--token", m.token)...)
}

func lastWord(s string) string {
	words := strings.Fields(s)
	return words[len(words)-1]
}
