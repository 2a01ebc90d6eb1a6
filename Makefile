GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME ?= 100000x

# The servers without which "make test" fails; all other tests are skipped where there is none.
FIREFLY_TEST_REQUIRE ?= postgres,pgbouncer,redis,mongo

# The race detector leaves out SQLite, which was translated from C: it would take ten times as long.
RACE := -race -gcflags=modernc.org/...=-race=false

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what the tests need beside Go (Debian, as root); nothing if all is there
	@scripts/setup

.PHONY: servers
servers: ## Install only the servers that stores are tested on
	@scripts/setup servers

.PHONY: build
build: ## Compile every package
	go build ./...

.PHONY: fmt
fmt: ## Rewrite the files in the standard format
	$(GOLANGCI) fmt

.PHONY: fmt-check
fmt-check: ## Fail if a file is not formatted
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run make fmt:" $$unformatted; exit 1; }

.PHONY: vet
vet: ## Run go vet
	go vet ./...
	cd bench && go vet ./...

.PHONY: lint
lint: ## Run golangci-lint; the first run compiles it
	$(GOLANGCI) run

.PHONY: check
check: fmt-check vet lint test-quick ## All that should pass before a commit: format, vet, lint, quick tests

.PHONY: test
test: export FIREFLY_TEST_REQUIRE := $(FIREFLY_TEST_REQUIRE)
test: setup vet ## Test everything under the race detector, then what it would make too slow, and run the examples
	go test $(RACE) -shuffle=on ./...
	cd bench && go test ./...
	@$(MAKE) --no-print-directory allocs
	@scripts/long-tests
	@FUZZTIME=30s scripts/fuzz
	@scripts/run-example
	@scripts/run-cli

.PHONY: test-quick
test-quick: ## Run the tests without the race detector, and only the short ones
	go test -short ./...

.PHONY: cover
cover: ## Measure the tests' coverage: coverage.out, and the total
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	@go tool cover -func=coverage.out | tail -n 1

.PHONY: docs
docs: ## Write docs/cli.md anew from the commands
	go test ./cli -run 'Docs' -update

.PHONY: bench
bench: servers ## Measure beside the peers, and write docs/benchmarks.md: hours; see bench/README.md
	cd bench && go run .

.PHONY: allocs
allocs: ## Fail if a task costs the engine more allocations than are on record
	go test -count=1 -run '^TestAllocations$$' ./firefly

.PHONY: mutants
mutants: ## See the test that is named for each of forty faults of the engine fail: three minutes
	go test -count=1 -v ./internal/mutants

CHAOSTIME ?= 60s

.PHONY: chaos
chaos: servers ## Play each fault on each store, CHAOSTIME long, a minute unless set: an hour
	FIREFLY_CHAOS_FOR=$(CHAOSTIME) go test -count=1 -timeout 24h -v -run '^TestMatrix$$' ./store/...

.PHONY: soak
soak: servers ## Play all faults at random on each store, CHAOSTIME long: CHAOSTIME=2h, say
	FIREFLY_CHAOS_FOR=$(CHAOSTIME) go test -count=1 -timeout 24h -v -run '^TestMatrix$$/^all$$' ./store/...

.PHONY: proof
proof: servers ## Do all that docs/proof.md tells, and write it: two hours
	@FIREFLY_CHAOS_FOR=$(CHAOSTIME) scripts/proof

.PHONY: fuzz
fuzz: ## Run each fuzz target FUZZTIME long: 100000x unless set, or 30s, say
	@FUZZTIME=$(FUZZTIME) scripts/fuzz

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what is called
	$(VULNCHECK) ./...

.PHONY: clean
clean: ## Remove what the targets produced
	rm -rf bin dist coverage.out
