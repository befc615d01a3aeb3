# make help says what there is. Recipes are bash, and the first thing that fails ends them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PROGRAMS := penstock penstock-cloud penstock-demo
VERSION  ?= $(or $(patsubst v%,%,$(shell git describe --tags --match 'v[0-9]*' 2>/dev/null)),0.1.0-dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
BUILD    := CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)'
# Everything is compiled the way the packages are (no paths, and where CGO_ENABLED=0 is said, no C), so that vetting, building
# and testing share one cache: a cold one is most of the time that make test takes.
export GOFLAGS += -trimpath
# The same commit gives the same bytes: dates inside packages and manuals are the commit's.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

FUZZTIME  ?= 30s
BENCHTIME ?= 1s
PACKAGES  ?= build/packages
CACHE     := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/penstock

.PHONY: help
help: ## This list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- Programs

.PHONY: build
build: ## The programs for this machine, into build/
	mkdir -p build
	for p in $(PROGRAMS); do $(BUILD) -o build/$$p ./cmd/$$p; done

# linux-ARCH: what a package is made of. armv7 is what the boards have that are still 32 bits wide.
linux-amd64: export GOARCH := amd64
linux-arm64: export GOARCH := arm64
linux-arm:   export GOARCH := arm
linux-arm:   export GOARM := 7
linux-%: export GOOS := linux
.PHONY: linux-amd64 linux-arm64 linux-arm
linux-amd64 linux-arm64 linux-arm: linux-%:
	mkdir -p build/$@
	for p in penstock penstock-cloud; do $(BUILD) -o build/$@/$$p ./cmd/$$p; done

.PHONY: size
size: linux-amd64 linux-arm64 linux-arm ## The sizes of the programs, held against their limits
	@fail=0; check() { \
	  for arch in amd64 arm64 arm; do \
	    bytes=$$(stat -c %s build/linux-$$arch/$$1); \
	    printf '%-16s %-6s %5.1f MB (below %s)\n' $$1 $$arch "$$(( bytes / 100000 ))e-1" $$2; \
	    [ $$bytes -lt $$(( $$2 * 1000000 )) ] || fail=1; \
	  done; }; \
	check penstock 20; check penstock-cloud 35; exit $$fail

# ---- Tests

# What the tests talk to that nobody here wrote, and what boots the packages: PROGRAM:PACKAGE, or /FILE:PACKAGE.
PEERS := mosquitto:mosquitto mosquitto_pub:mosquitto-clients mbpoll:mbpoll socat:socat chromium:chromium \
         /usr/lib/python3/dist-packages/pymodbus:python3-pymodbus \
         /usr/lib/python3/dist-packages/serial_asyncio:python3-serial-asyncio \
         nats-server:nats-server systemd-nspawn:systemd-container mmdebstrap:mmdebstrap ip:iproute2 unshare:util-linux \
         mkfs.ext4:e2fsprogs mkfs.xfs:xfsprogs mount:mount \
         gcc:gcc /usr/include/stdlib.h:libc6-dev /usr/include/modbus/modbus.h:libmodbus-dev node:nodejs npm:npm
# Folders of npm modules, pinned by a package-lock.json.
NPM_PEERS := $(patsubst %/package-lock.json,%,$(wildcard */*/testdata/peers/package-lock.json))
# The Debian that the packages are tried on. Made once a machine; the name says what is in it.
ROOT := $(CACHE)/bookworm-systemd-1.tar

.PHONY: tools
tools: $(NPM_PEERS:%=%/node_modules/.package-lock.json) $(ROOT) ## What the tests need: Debian packages, npm modules, Go modules
	go mod download
	go mod download -modfile=packaging/lint.mod
	go mod download -modfile=packaging/nfpm.mod
	go -C buffer/faults mod download

.PHONY: debian
debian:
	@missing=; for peer in $(PEERS); do \
	  what=$${peer%%:*}; \
	  case $$what in /*) [ -e $$what ] ;; *) command -v $$what >/dev/null ;; esac || missing="$$missing $${peer##*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -q >/dev/null; apt-get install -y -q --no-install-recommends $$missing >/dev/null; \
	fi

%/node_modules/.package-lock.json: %/package-lock.json | debian
	cd $* && npm ci --no-audit --no-fund
	touch $@

$(ROOT): | debian
	mkdir -p $(@D)
	mmdebstrap --quiet --variant=minbase --include=systemd,systemd-sysv,dbus,udev,passwd,procps bookworm $@.part.tar
	mv $@.part.tar $@

.PHONY: test
test: tools vet lint build ## Everything, in the order of what fails fastest; what CI runs
	$(MAKE) --no-print-directory unit
	$(MAKE) --no-print-directory -j2 --output-sync=target simulation crashes
	$(MAKE) --no-print-directory interop

STRICT := $(if $(filter true,$(CI)),1,0)
VERDICT := awk -f packaging/verdict.awk -v strict=$(STRICT)

# Many tests wait, for processes and for clocks: four packages at once keep two cores busy. What vet says was said before.
SIDE_BY_SIDE := -p 4 -vet=off

.PHONY: unit
unit: ## What needs nothing but Go, with the race detector
	go test -race $(SIDE_BY_SIDE) -v ./... 2>&1 | $(VERDICT)

# The interop tests are those of the files with that build tag. They run without the race detector, which has seen the same
# code in unit, and in a network namespace of their own: nothing that listens on this machine is in their way, and nothing
# they start is reached from outside.
INTEROP = $(shell grep -rl --include='*_test.go' --exclude-dir=node_modules '^//go:build interop' .)
ALONE = $(shell unshare -n true 2>/dev/null && echo unshare -n)
.PHONY: interop
interop: tools ## Against the programs of others, and the packages on a booted Debian
	names=$$(grep -ho '^func Test[A-Za-z0-9_]*' $(INTEROP) | cut -c6- | grep -v '^TestMain$$' | paste -sd'|'); \
	folders=$$(dirname $(INTEROP) | sort -u); \
	$(ALONE) bash -euo pipefail -c 'ip link set lo up 2>/dev/null || true; exec env CGO_ENABLED=0 go test -vet=off -v -count=1 -tags interop -timeout 8m -run "$$0" "$$@"' \
	  "^($$names)\$$" $$folders 2>&1 | $(VERDICT)

FIGURES := awk -f packaging/figures.awk
# The garbage of a bubble is small and much: collected more rarely it costs a third less.
SIMULATE := CGO_ENABLED=0 GOGC=800 go test -v -count=1 -timeout 60m ./cmd/simulation
.PHONY: simulation
simulation: ## A month of faults in virtual time, from the plant to the cloud's store
	$(SIMULATE) -seeds 12 -simulated 744h -pace 1m 2>&1 | $(FIGURES)

# What it waits for is the disk, and what a simulation waits for is a processor: test runs them side by side.
.PHONY: crashes
crashes: tools ## Kills, power cuts and failing disks, the short form
	CGO_ENABLED=0 go -C buffer/faults test -v -count=1 -timeout 5m . 2>&1 | $(VERDICT)

.PHONY: faults
faults: tools ## Crashes, power cuts and failing disks at full length; one line of figures for each requirement
	CGO_ENABLED=0 go -C buffer/faults test -v -count=1 -timeout 60m . -kills 1000 -ext4cuts 300 -xfscuts 100 -downs 100 -stride 1 2>&1 | $(FIGURES)
	CGO_ENABLED=0 go test -v -count=1 ./buffer -run TestR5 -damages 1000 2>&1 | $(FIGURES)
	CGO_ENABLED=0 go test -v -count=1 -tags interop ./cmd -run 'TestR6|TestR7|TestR8|TestR10|TestR12' -backlog 1000 -outage 6000000 -flaky 2m 2>&1 | $(FIGURES)
	$(SIMULATE) -seeds 20 -simulated 10h -pace 1s 2>&1 | $(FIGURES)
	$(SIMULATE) -seed 100 -seeds 24 -simulated 2232h -pace 1m 2>&1 | $(FIGURES)

.PHONY: vet
vet:
	CGO_ENABLED=0 go vet -tags interop ./...
	CGO_ENABLED=0 go -C buffer/faults vet ./...

.PHONY: lint
lint: ## Formatting, the list of licences, staticcheck
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); [ -z "$$bad" ] || { echo "run gofmt -w on: $$bad"; exit 1; }
	CGO_ENABLED=0 go run ./packaging/thirdparty | diff -q THIRD_PARTY - >/dev/null || { echo "THIRD_PARTY is stale: run make third-party"; exit 1; }
	CGO_ENABLED=0 go tool -modfile=packaging/lint.mod staticcheck -checks 'SA*,S1*,-S1016,ST1008,ST1012,ST1013,ST1017,ST1019' -tags interop ./...

# golangci-lint takes four minutes to build where it never was, more than all tests of a package: it has a job of its own.
.PHONY: lint-all
lint-all: lint ## What lint does, and golangci-lint with few linters that are meant
	CGO_ENABLED=0 go tool -modfile=packaging/lint.mod golangci-lint run --build-tags interop ./...

.PHONY: fuzz
fuzz: ## Every fuzz target, FUZZTIME each (30s)
	@grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Fuzz' . | sort | while read -r file; do \
	  for target in $$(grep -o '^func Fuzz[A-Za-z0-9_]*' "$$file" | cut -c6-); do \
	    echo "$$(dirname "$$file") $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x "$$(dirname "$$file")"; \
	  done; \
	done

# Rivals that the product must not depend on have modules of their own.
RIVALS := buffer/bench sync/rule/testdata/bench
BENCHES = $(shell grep -rl --include='*_test.go' --exclude-dir=node_modules --exclude-dir=bench '^func Benchmark' . | xargs dirname | sort -u)
.PHONY: bench
bench: ## The benchmarks of the chapters, rivals beside ours; BENCHTIME each (1s)
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 60m $(BENCHES)
	for rivals in $(RIVALS); do (cd $$rivals && go test -run '^$$' -bench . -benchtime $(BENCHTIME) .); done

# ---- Packages

NFPM := build/tools/nfpm
$(NFPM): packaging/nfpm.sum
	CGO_ENABLED=0 go build -modfile=packaging/nfpm.mod -o $@ github.com/goreleaser/nfpm/v2/cmd/nfpm

# What is the same in every package: manual and completion come from the programs themselves.
.PHONY: share
share:
	mkdir -p build/share/host
	for p in penstock penstock-cloud; do \
	  $(BUILD) -o build/share/host/$$p ./cmd/$$p; rm -rf build/share/$$p; mkdir -p build/share/$$p; \
	  build/share/host/$$p man build/share/$$p/man; gzip -9n build/share/$$p/man/*.1; \
	  for shell in bash zsh fish; do build/share/host/$$p completion $$shell >build/share/$$p/$$shell; done; \
	done
	build/share/host/penstock schema >build/share/gateway.schema.json
	cat packaging/copyright THIRD_PARTY >build/share/copyright
	printf 'penstock (%s-1) unstable; urgency=medium\n\n  * See https://github.com/penstock-edge/penstock/blob/main/CHANGELOG.md\n\n -- Penstock maintainers <penstock-edge@users.noreply.github.com>  %s\n' \
	  "$$(echo $(VERSION) | sed 's/-/~/')" "$$(date -uR -d @$(SOURCE_DATE_EPOCH))" | gzip -9n >build/share/changelog.Debian.gz

# package-ARCH makes four files. nfpm's name for armv7 is arm7, which it turns into armhf and armv7hl.
package-amd64: export NFPM_ARCH := amd64
package-arm64: export NFPM_ARCH := arm64
package-arm:   export NFPM_ARCH := arm7
.PHONY: package-amd64 package-arm64 package-arm
package-amd64 package-arm64 package-arm: package-%: linux-% share $(NFPM)
	mkdir -p $(PACKAGES)
	for p in penstock penstock-cloud; do for kind in deb rpm; do \
	  VERSION=$(VERSION) ARCH=$* $(NFPM) package -f packaging/nfpm.$$p.yaml -p $$kind -t $(PACKAGES)/; \
	done; done

.PHONY: packages
packages: package-amd64 package-arm64 package-arm ## deb and rpm for amd64, arm64, armhf, into build/packages
	ls -l $(PACKAGES)

.PHONY: third-party
third-party: ## Write THIRD_PARTY anew: what is linked, and under which licence
	CGO_ENABLED=0 go run ./packaging/thirdparty >THIRD_PARTY.new
	mv THIRD_PARTY.new THIRD_PARTY
