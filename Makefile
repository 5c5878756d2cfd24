# Every target works on a fresh machine with python3.11+, git and make: .venv is made once.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
# One process more than there are cores: a fifth of the tests' time is spent waiting for other processes and the disk.
PARALLEL = -n $$($(BIN)/python -c 'import os; print(os.cpu_count() + 1)') --dist worksteal
# How many times test-crash kills the gateway on each journal.
KILLS ?= 100

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-peers test-deep test-crash test-value test-kits mutants lint generate interop bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 12

$(STAMP): constraints.txt requirements-dev.txt sdk/pyproject.toml adapters/pyproject.toml gateway/pyproject.toml conformance/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || echo "making .venv, about a minute"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt
	@touch $(STAMP)

demo: $(STAMP) ## the first trust, end to end, on the embedded default
	@$(BIN)/xinqiao-gateway demo

serve: $(STAMP) ## a gateway on ./data, port 8700
	$(BIN)/xinqiao-gateway serve --data data --port 8700

test: $(STAMP) ## all tests of everyday work
	$(BIN)/python -m pytest $(PARALLEL) tests --ignore tests/crash --ignore tests/kits --ignore tests/peers

test-peers: $(STAMP) ## browsers, OpenSSH and Dovecot against the gateway (Debian: see tests/peers/README.md)
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -r requirements-peers.txt
	$(BIN)/python -m pytest tests/peers

test-deep: $(STAMP) ## property tests on ten times as many messages, every mapping on a thousand, every row broken, a backlog of a million
	$(BIN)/python -m pytest tests/sdk/test_verdicts.py tests/architecture/test_xsd.py --messages 20000
	$(BIN)/python -m pytest tests/adapters/test_check_laws.py tests/adapters/test_rows_mutants.py --messages 20000
	$(BIN)/python -m pytest tests/faults/test_backlog.py --messages 1000000

test-crash: $(STAMP) ## kill gateways and PostgreSQL under load, 100 times on each journal; nodes that take over
	$(BIN)/python -m pytest tests/crash
	$(BIN)/python -m tests.crash --kills $(KILLS) --journal both

test-value: $(STAMP) ## a month of prepaid money at a real platform's size, through the gateway
	$(BIN)/python -m pytest tests/value -s --records 351264

mutants: $(STAMP) ## every wrong implementation against the suite that must find it; the kill rate is the last line
	$(BIN)/xinqiao-conformance mutants

test-kits: $(STAMP) ## every kit: references, samples of mutants, the gateway's own kits, each simulator those that it plays
	$(BIN)/python -m pytest $(PARALLEL) tests/kits

lint: $(STAMP) ## style, types, borders between the parts, the proto files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy sdk/src adapters/src gateway/src conformance/src generate tests bench
	$(BIN)/lint-imports
	$(BIN)/python -m generate lint

generate: $(STAMP) ## every face of the standard from the proto files
	$(BIN)/python -m generate

interop: $(STAMP) ## other languages read the standard: Java and TypeScript run the vectors
	@interop/run

bench: $(STAMP) ## figures beside peers, in one run, with plots
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -c constraints.txt -r requirements-bench.txt
	$(BIN)/python -m bench --plots

clean: ## everything that the targets made
	rm -rf .venv build
