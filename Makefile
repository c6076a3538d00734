# Everything a developer or a user does, one word each; `make help` lists them.
# PYTHON chooses the interpreter that the virtual environment is made with: 3.11 or later.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -m

# Load test: `make load USERS=64 INCREMENTS=100 STRATEGY=occ HOST=http://127.0.0.1:8000`
USERS ?= 5
INCREMENTS ?= 50
STRATEGY ?=
HOST ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: run
run: .venv/service ## Start Elasticsearch and the service on http://127.0.0.1:8000 (PORT changes it)
	$(RUN) localnode run -- sh -c '$(RUN) service init && exec $(BIN)/gunicorn'
