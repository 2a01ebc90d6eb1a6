GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME ?= 100000x

# The servers without which "make test" fails; all other tests are skipped where there is none.
FIREFLY_TEST_REQUIRE ?= postgres,pgbouncer,redis,mongo

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
test: setup vet ## Test everything under the race detector, run the example, count the conformance cases
	go test -race -shuffle=on ./...
	@scripts/long-tests
	@scripts/run-example
	@scripts/conformance

.PHONY: test-quick
test-quick: ## Run the tests without the race detector, and only the short ones
	go test -short ./...

.PHONY: cover
cover: ## Measure the tests' coverage: coverage.out, and the total
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	@go tool cover -func=coverage.out | tail -n 1

.PHONY: bench
bench: servers ## Measure beside the peers: a quarter of an hour; see bench/README.md
	cd bench && go run .

.PHONY: fuzz
fuzz: ## Run each fuzz target FUZZTIME long: 100000x unless set, or 30s, say
	@FUZZTIME=$(FUZZTIME) scripts/fuzz

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what is called
	$(VULNCHECK) ./...

.PHONY: clean
clean: ## Remove what the targets produced
	rm -rf bin dist coverage.out
