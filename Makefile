# Harkara on one machine: nothing but Python 3.11+, make and git is needed, and no AWS account. What stands here is
# known to make 3.81 too, which macOS has: each line of a recipe is a shell of its own.
#
#   make up                            the stack, a sample campaign, then it stays up until Ctrl-C
#   make up SAMPLE=0                   the same without the campaign
#   make up CARRIER=kannel             the same through a real Kannel, where it is installed
#   make test                          linters, types, tests with coverage
#   make format                        formats all Python, and sorts its imports
#   make bench                         measures, as ratios in one run
#   make scale                         simulates traffic on AWS's limits; counts what a million messages cost
#   make faults                        campaigns of 5,000 messages under each fault, as a table
#   make activity                      counts the stream of 200,000 messages through deaths at every call, finds each of them
#   make properties                    every law with 500 examples, which tests try with 30
#   make mutants [MODULES="scheduler"] changes the core services in small ways: do the tests notice?
#   make checkov                       checks the templates against security rules (280 MB to install)
#   make replay EVENT=events/<file>    a function's handler on a sample event, against the stack
#   make down                          stops the stack from another terminal; its state is kept
#   make clean                         removes all that was made: .local, .venv, caches
#   make lock                          renews the locks of local/requirements
#   make crawlers                      renews the list of crawlers whose visits are no clicks
#   make series                        renews the table of Indian operators by number series
#   make screenshots                   takes pictures of the console into docs/console (needs Chromium)
#   make openapi                       writes the API's description, and the routes for 405, from the code
#   make check-openapi                 checks the description with redocly and a generated client (300 MB to install)

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help up down clean test lint format bench scale faults activity properties mutants checkov replay lock crawlers series openapi check-openapi screenshots

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Set in some containers; then every start would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

# What stops the stack needs no venv: where nothing is installed, nothing runs.
ANY_PYTHON = $(shell [ -x $(BIN)/python ] && echo $(BIN)/python || echo $(PYTHON))
is_new = $(1) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
require_python = $(call is_new,$(1)) || { \
	echo "make: Python 3.11 or later is needed and $(1) is not: name one with PYTHON=..." >&2; exit 1; }

help:
	@sed -n '4,24s/^#   //p' Makefile

up: $(VENV)/installed
	@$(BIN)/python -m local.up

down:
	@$(call require_python,$(ANY_PYTHON))
	@$(ANY_PYTHON) -m local.running

replay: $(VENV)/installed
	@$(BIN)/python -m local.replay "$(EVENT)"

bench: $(VENV)/installed
	@$(BIN)/python -m tests.bench

scale: $(VENV)/installed
	@$(BIN)/python -m tests.scale

# Also at full length: crash points, Kannel and deaths, of which `make test` has a part.
faults: $(VENV)/installed
	@FAULT_MESSAGES=5000 BULK_MESSAGES=50000 $(BIN)/python -m pytest -q tests/faults tests/kannel tests/pipeline tests/stack/test_{crashes,lanes,manage}.py

activity: $(VENV)/installed
	@$(BIN)/python -m tests.pipeline.activity_run

properties: $(VENV)/installed
	@$(BIN)/python -m pytest -q --numprocesses=auto --hypothesis-profile=thorough -m hypothesis

# Not in CI: it takes an hour, and the machine with it.
mutants: $(VENV)/installed
	@$(BIN)/python -m tests.mutants $(MODULES)

# Only in `make faults`.
LONG = faults stack/test_lanes.py

test: lint
	@echo "pytest"
	@$(BIN)/python -m pytest --numprocesses=3 --no-loadscope-reorder $(LONG:%=--ignore=tests/%) --cov --cov-report=term:skip-covered

lint: $(VENV)/installed
	@echo "ruff check"
	@$(BIN)/ruff check --quiet .
	@echo "ruff format --check"
	@$(BIN)/ruff format --quiet --check .
	@echo "mypy"
	@$(BIN)/mypy layers/core/harkara layers/console/console functions cli local tests tools

format: $(VENV)/installed
	@$(BIN)/ruff check --quiet --fix --select I .
	@$(BIN)/ruff format --quiet .

# Not in CI: it installs for longer than it may take. local/checkov.yaml has what is waived and why.
checkov: $(VENV)/installed
	@$(BIN)/python -c 'from local.venvs import ensure_venv; ensure_venv("checkov")'
	@.local/checkov/bin/checkov --config-file local/checkov.yaml

clean:
	@if $(call is_new,$(ANY_PYTHON)); then $(ANY_PYTHON) -m local.running all; fi
	@rm -rf .local $(VENV) .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* coverage.xml *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@echo "removed .local, $(VENV), .aws-sam and all caches"

# The venv is made anew when its lock or the project's own metadata changes. A module is compiled once it is imported,
# as most never are.
$(VENV)/installed: local/requirements/dev.txt pyproject.toml
	@$(call require_python,$(PYTHON))
	@echo "installing $(VENV) (once)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -qq --disable-pip-version-check --no-compile --no-deps --require-hashes \
		--requirement local/requirements/dev.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/pip check --disable-pip-version-check >/dev/null || $(BIN)/pip check
	@touch $@

PIP_COMPILE = CUSTOM_COMPILE_COMMAND='make lock' .local/lock/bin/pip-compile --quiet --upgrade --generate-hashes \
	--allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

lock:
	@$(PYTHON) -m venv .local/lock
	@.local/lock/bin/pip install -qq --disable-pip-version-check pip-tools==7.6.2
	@PATH="$(CURDIR)/.local/lock/bin:$$PATH" $(MAKE) --no-print-directory -C layers/deps lock
	@for name in console signing; do echo "locking $$name"; \
		$(PIP_COMPILE) --output-file layers/$$name/requirements.txt layers/$$name/requirements.in || exit 1; done
	@for name in checkov client dev emulator mutants node sam translator; do echo "locking $$name"; \
		$(PIP_COMPILE) --output-file local/requirements/$$name.txt local/requirements/$$name.in || exit 1; done

crawlers: $(VENV)/installed
	@$(BIN)/python -m tools.renew_crawlers

series: $(VENV)/installed
	@$(BIN)/python -m tools.renew_series

screenshots: $(VENV)/installed
	@$(BIN)/python -m tests.browser.screenshots

openapi: $(VENV)/installed
	@$(BIN)/python -m tools.write_openapi

# Not in CI: it installs for longer than it may take. It needs Node.js.
check-openapi: $(VENV)/installed
	@npx --yes @redocly/cli@2.77.0 lint --config local/redocly.yaml layers/core/harkara/api/openapi.json
	@$(BIN)/python -m tools.try_client
