# The two commands a stranger needs are `make demo` and `make test`; each sets up what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
# How long `make soak` takes, in seconds.
SOAK_S ?= 600
# How many seeds `make chaos` plays, of how many contacts, and how much of it at the same time.
SEEDS ?= 1000
CALLS ?= 1000
JOBS ?= 1
# How long `make fuzz` tries each door, in seconds.
FUZZ_S ?= 120
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# What the program, its private Asterisk and its tests need from Debian's archive.
PACKAGES := python3-venv mmdebstrap debian-archive-keyring ca-certificates espeak-ng ffmpeg
TEST_PACKAGES := postgresql mariadb-server-core mariadb-client-core chromium baresip-core

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

.PHONY: packages
packages: ## Install the Debian packages that are missing
	@asterisk/lab/packages.sh $(PACKAGES)

.PHONY: test-packages
test-packages: packages
	@asterisk/lab/packages.sh $(TEST_PACKAGES)

$(VENV)/.installed: pyproject.toml constraints.txt
	@[ -x $(PY) ] || python3 -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: setup
setup: packages ## Python environment in .venv
	@$(MAKE) --no-print-directory $(VENV)/.installed

.PHONY: lab
lab: setup ## Build the private Asterisk (once; kept outside the tracked files)
	@$(PY) -m asterisk.lab build

.PHONY: demo
demo: lab ## A real broadcast campaign: two Asterisks on loopback, live page, table of outcomes
	@$(VENV)/bin/outring demo

.PHONY: test
test: test-packages lab ## Set everything up and run all tests
	@$(PY) -m pytest -m "not asterisk and not browser" --numprocesses 2 --dist loadfile
	@$(PY) -m pytest -m "asterisk or browser"

.PHONY: check
check: setup ## Format, lint, types, tests
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive app asterisk
	@$(MAKE) --no-print-directory test

.PHONY: audit
audit: setup ## Known weaknesses of the libraries, as pinned (asks the registry's list of them)
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[audit]'
	@$(VENV)/bin/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt

.PHONY: bench
bench: lab ## Figures beside the bare API, on the real Asterisk
	@$(VENV)/bin/outring bench

.PHONY: soak
soak: lab ## 50 calls a second for 10 minutes (SOAK_S=60: a minute): latency, memory, what is left behind
	@$(PY) -m app.bench.soak --seconds $(SOAK_S)

.PHONY: chaos
chaos: setup ## SEEDS=1000 CALLS=1000: so many simulated calls with every fault on, and which seeds broke a rule
	@$(PY) -m app.sim.count --seeds $(SEEDS) --calls $(CALLS) --jobs $(JOBS)

.PHONY: fuzz
fuzz: setup ## FUZZ_S=120: random input at the doors (REST, ARI events), so many seconds each
	@$(PY) -m tests.fuzz.rest --max-time $(FUZZ_S)
	@$(PY) -m tests.fuzz.events --max-time $(FUZZ_S)

.PHONY: mistakes
mistakes: setup ## Each of over a hundred mistakes planted in a copy of the source, and who finds it; an hour of one core
	@$(PY) -m tests.simulation.mistakes --jobs $(JOBS)

.PHONY: clean
clean: ## Remove the environment and caches (the built Asterisk stays)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis *.egg-info
