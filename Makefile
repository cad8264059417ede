# Plumbline's commands. A bare `make` lists them.

SHELL := /bin/bash
export PATH := $(HOME)/.cache/plumbline/bin:$(HOME)/.cargo/bin:$(PATH)
# Queries are checked against .sqlx/, so no build needs a database; a DATABASE_URL in .env is for the server alone.
export SQLX_OFFLINE := true

.DEFAULT_GOAL := help
.PHONY: help run test bench check site setup prepare conformance dbt clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

run: ## Set up what is missing, build, and serve; ends with a URL on the screen
	@scripts/setup.sh run
	@scripts/build-site.sh
	@scripts/step.sh "Building the server (the first time takes some minutes)" cargo build --release -p server
	@exec target/release/plumbline serve $(ARGS)

test: ## Set up what is missing and run every test against a throw-away Postgres and a real browser
	@scripts/setup.sh test
	@scripts/build-site.sh
	@scripts/step.sh "Running the tests" scripts/with-postgres.sh scripts/test.sh $(ARGS)

bench: ## Measure measures, ledger, the whole program, its warehouse, engine and what publications keep (SIZE=25 or 500 for one size of the whole)
	@scripts/setup.sh run
	@scripts/build-site.sh
	@scripts/step.sh "Building the server (the first time takes some minutes)" cargo build --release -p server -p app --bins --benches
	@cargo bench --quiet -p server -p app --bench measures
	@cargo bench --quiet -p server -p app --bench ledger
	@cargo bench --quiet -p server --bench whole -- $(SIZE)
	@cargo bench --quiet -p server --bench warehouse
	@cargo bench --quiet -p server --bench orchestrator
	@cargo bench --quiet -p server --bench explain

check: ## Formatting, lints on native and wasm32, licenses and advisories
	@scripts/setup.sh run
	@scripts/step.sh "Formatting" cargo fmt --all --check
	@scripts/step.sh "Lints, native" cargo clippy --workspace --exclude frontend --all-targets --quiet -- -D warnings
	@scripts/step.sh "Lints, wasm32" cargo clippy -p frontend --target wasm32-unknown-unknown --quiet -- -D warnings
	@scripts/deny.sh

site: ## Build the browser's half into target/site
	@scripts/setup.sh run
	@scripts/build-site.sh

prepare: ## Check every query against a throw-away Postgres and write .sqlx/ (after a change of SQL)
	@scripts/setup.sh prepare
	@scripts/step.sh "Preparing the queries" scripts/with-postgres.sh scripts/prepare.sh

conformance: ## Hold the simulator beside the vendors' own Python clients, and our measures and ledger beside others'
	@scripts/setup.sh conformance
	@scripts/step.sh "Building the simulator" cargo build --quiet -p server --bin plumbline
	@scripts/conformance.sh

dbt: ## Build the warehouse with real dbt and compare every table and every verdict with ours
	@scripts/setup.sh conformance
	@scripts/dbt.sh

setup: ## Install what is missing to build, run and test
	@scripts/setup.sh test

clean: ## Remove everything that was built (not the data)
	cargo clean
	rm -rf frontend/node_modules
