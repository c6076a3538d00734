# Everything a user or a developer does, one word each: `make help` lists them.
# PYTHON is the interpreter that the virtual environment is made with: 3.11 or later.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

# The load test: `make load USERS=64 INCREMENTS=100 STRATEGY="occ batched" TARGET=http://127.0.0.1:8000`.
# Without STRATEGY it drives all there are. Without TARGET it starts Elasticsearch and the service for itself. KEYS=1
# sends an Idempotency-Key with each increment.
USERS ?= 5
INCREMENTS ?= 50
STRATEGY ?=
TARGET ?=
KEYS ?=
LOAD = $(RUN) loadtests --users $(USERS) --increments $(INCREMENTS) $(if $(STRATEGY),--strategy $(STRATEGY)) $(if $(KEYS),--keys)

PYTEST = $(RUN) localnode run --ephemeral -- $(RUN) pytest --numprocesses 2 --dist loadgroup
# Without what takes minutes; `make faults` runs that.
TEST = $(PYTEST) -m "not long"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s%s\n", $$1, $$2}'

.PHONY: run
run: .venv/service ## Start Elasticsearch and the service, on http://127.0.0.1:8000 unless PORT says otherwise
	@$(RUN) localnode run -- sh -c '$(RUN) service init && exec $(BIN)/gunicorn'

.PHONY: load
load: .venv/load ## Let USERS clients make INCREMENTS increments each with every STRATEGY, and judge the result
ifeq ($(TARGET),)
	@$(RUN) localnode run --ephemeral -- $(RUN) localnode.serving -- sh -c '$(LOAD) --host "$$SERVICE_URL"'
else
	@$(LOAD) --host $(TARGET)
endif

# Each strategy loses the node of its primary once; with keys the counters have to be exact.
cluster-load: USERS = 16
cluster-load: INCREMENTS = 100
cluster-load: STRATEGY = occ scripted batched
cluster-load: KEYS = 1

.PHONY: cluster-load
cluster-load: .venv/dev balancer ## The same on three nodes through a load balancer, while the primary's node is killed and comes back
	@$(RUN) tests.cluster.load --users $(USERS) --increments $(INCREMENTS) $(STRATEGY:%=--strategy %) $(if $(KEYS),--keys)

.PHONY: cluster
cluster: .venv/dev balancer ## Test the load balancer, a rolling restart, and what is lost with a node or a replica: nothing
	$(RUN) pytest tests/cluster

# A package of the system's, by its name: from Debian, without starting what it may bring along, or from Homebrew.
PACKAGE = if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -q && RUNLEVEL=1 apt-get install -y -q --no-install-recommends $(1); \
	elif command -v brew >/dev/null; then brew install $(1); \
	else echo "It is needed: install your system's package $(1) (as root: apt-get install $(1))." >&2; exit 1; fi

.PHONY: balancer
balancer: ## Get HAProxy, unless it is there
	@PATH="$$PATH:/usr/local/sbin:/usr/sbin"; command -v haproxy >/dev/null && exit; $(call PACKAGE,haproxy)

.PHONY: wrk
wrk: ## Get wrk, which makes the load of benchmarks, unless it is there
	@command -v wrk >/dev/null && exit; $(call PACKAGE,wrk)

.PHONY: prometheus
prometheus: ## Get Prometheus, unless it is there
	@command -v prometheus >/dev/null && command -v promtool >/dev/null && exit; $(call PACKAGE,prometheus)

.PHONY: test
test: check browser balancer prometheus wrk ## Check, then run every test on a real Elasticsearch, gunicorn, HAProxy and browser
	$(TEST)

.PHONY: faults
faults: .venv/dev ## Put the service through every fault there is a promise about, and print what became of each (25 min)
	$(PYTEST) tests/faults --figures build/faults.json

.PHONY: faults-table
faults-table: .venv/dev ## Put the figures of the last `make faults` into docs/guarantees.md
	@$(RUN) tests.faults.table

.PHONY: coverage
coverage: .venv/dev browser balancer prometheus wrk ## The same tests, and which lines and branches they reach in every process (twice as slow)
	$(TEST) --cov

.PHONY: check
check: .venv/dev ## Lint, types, import contracts, the Dockerfile, the locks, and whether openapi.yaml is the code's
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/oxlint --deny-warnings service/web
	$(RUN) service openapi | diff -u openapi.yaml -
	$(BIN)/uv pip check
	$(OFFLINE) --require-hashes $(LOCKS:%=-r %)
	$(OFFLINE) -r pyproject.toml --extra dev

# Installs nothing, and fails if it would have to: then what is installed is not what is locked and asked for.
OFFLINE = $(BIN)/uv pip install --dry-run --offline --no-cache
LOCKS = requirements/dev.txt requirements/bench.txt requirements/load.txt requirements/service.txt requirements/traces.txt \
	requirements/build.txt

.PHONY: audit
audit: .venv/dev ## Look up known vulnerabilities of the locked dependencies; needs the network, and fails without
	@# Strict: a dependency that nothing is told about is a failure, and not one fewer to look at.
	$(BIN)/pip-audit --strict --disable-pip --require-hashes $(LOCKS:%=-r %)

.PHONY: window
window: .venv/dev ## Measure what it costs to remember operations, and put the table into docs/guarantees.md
	@$(RUN) benchmarks window

# The benchmarks: `make bench QUICK=1` only shows that they work; `make bench OPTIONS="--repeats 5 --workers 2"`.
QUICK ?=
OPTIONS ?=

.PHONY: bench
bench: .venv/bench wrk ## Measure every strategy beside the bare web stack, and print the goals (45 min; QUICK=1: 3 min)
	@$(RUN) benchmarks run $(if $(QUICK),--quick) $(OPTIONS)

.PHONY: bench-peers
bench-peers: .venv/bench wrk ## Measure Redis and PostgreSQL beside all that, and print the goals (55 min; QUICK=1: 4 min)
	@$(RUN) benchmarks run --peers $(if $(QUICK),--quick) $(OPTIONS)

.PHONY: bench-http
bench-http: .venv/bench ## Measure what a request costs beside a bare Flask route, in processor time of a worker (2 min; Linux)
	@$(RUN) benchmarks http

.PHONY: profile
profile: .venv/bench wrk ## Profile workers under load, and put it into docs/benchmarks.md (30 min; Redis; root)
	@$(RUN) benchmarks profile

.PHONY: profile-slowest
profile-slowest: .venv/bench wrk ## Watch what requests and the slowest wait for; into docs/benchmarks.md (20 min; Linux)
	@$(RUN) benchmarks profile-slowest

.PHONY: soak
soak: .venv/bench wrk ## Keep the fastest strategy busy: does memory grow, does anything fail, is anything lost or doubled? (10 min)
	@$(RUN) benchmarks soak $(OPTIONS)

.PHONY: bench-table
bench-table: .venv/bench ## Put the figures of the last bench-peers and soak into the documentation
	@$(RUN) benchmarks table

.PHONY: scaling
scaling: .venv/dev balancer ## Measure what docs/scaling.md computes with, and put it there (10 min)
	@$(RUN) benchmarks scaling

.PHONY: smoke
smoke: .venv/dev ## Build the image, start everything with Docker Compose, use it, restart it, take it down
	$(RUN) pytest tests/compose/smoke.py

.PHONY: browser
browser: .venv/dev ## Get a Chromium for the tests of the pages, unless there is one
	@for name in "$(CHROMIUM)" chromium chromium-browser google-chrome google-chrome-stable; do \
		command -v "$$name" >/dev/null && exit; \
	done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -q && apt-get install -y -q --no-install-recommends chromium; \
	else $(RUN) playwright install chromium; fi

.PHONY: screenshots
screenshots: .venv/dev browser ## Take the pictures of the race page in README.md anew, of real races
	@$(RUN) localnode run --ephemeral -- $(RUN) tests.screenshots

.PHONY: openapi
openapi: .venv/dev ## Write openapi.yaml anew from the code
	$(RUN) service openapi > openapi.yaml

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate
LOCK = $(COMPILE) pyproject.toml

.PHONY: lock
lock: .venv/dev ## Resolve the dependencies anew, for every Python from 3.11 and every platform
	$(LOCK) --upgrade --extra dev -o requirements/dev.txt
	$(LOCK) --constraint requirements/dev.txt -o requirements/service.txt
	$(LOCK) --constraint requirements/dev.txt --extra load -o requirements/load.txt
	$(LOCK) --constraint requirements/dev.txt --extra bench -o requirements/bench.txt
	$(LOCK) --constraint requirements/dev.txt --extra traces -o requirements/traces.txt
	@# What pyproject.toml says it is built with.
	echo hatchling | $(COMPILE) - --constraint requirements/dev.txt -o requirements/build.txt

.PHONY: clean
clean: ## Remove what was built, downloaded or stored here, counters of `make run` included
	rm -rf .venv .localnode build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

# A virtual environment for all; each stamp says which locked dependencies are in it.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON.")'
	@$(PYTHON) -m venv .venv

# The locks are complete (make check sees to it), so pip has nothing to resolve, and is not asked to.
.venv/service .venv/load .venv/bench .venv/traces .venv/dev: .venv/%: requirements/%.txt | .venv/bin/python
	@echo "Installing what $< says into .venv …"
	@$(RUN) pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@
