# Every target sets up what it needs. PYTHON is the interpreter that the virtual environment is made from (3.11+),
# JOBS how many processes share the tests, which wait for sound more than they compute.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 3
DIALROOM_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dialroom
export DIALROOM_CACHE
# Tests start hundreds of processes; without bytecode on disk each would compile every module anew (seconds).
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo demo-stream up test test-full check format bench docs lock clean

help:  ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "dialroom needs Python 3.11 or newer; $(PYTHON) is not. Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "[setup] Python packages into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "no venv module: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements-dev.lock)"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.installed  ## the virtual environment and the servers
	@$(BIN)/dialroom setup

demo: setup  ## provision a number, call it, hear the agent
	@$(BIN)/dialroom demo

demo-stream: setup  ## the same over Vobiz's <Stream>
	@$(BIN)/dialroom demo --via stream

up: setup  ## keep the same stack running, to call it with a softphone
	@$(BIN)/dialroom up

# Whole calls run alone: beside other tests they would share the cores that carry their sound.
test: setup  ## the tests
	@$(BIN)/pytest -n $(JOBS) --dist loadfile -m "not full and not scenario and not peer"
	@$(BIN)/pytest -m "(scenario or peer) and not full"

test-full: setup  ## the tests with the long scenarios
	@$(BIN)/pytest -n $(JOBS) --dist loadfile -m "not scenario and not peer"
	@$(BIN)/pytest -m "scenario or peer"

check: $(VENV)/.installed  ## lint, format, types, import rules, stale docs, compose file
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.check_docs
	$(BIN)/python -m tests.check_deploy

format: $(VENV)/.installed  ## mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## measure the path on the wire, beside control arms
	@$(BIN)/python -m bench

docs: $(VENV)/.installed  ## write docs/cli.md anew
	$(BIN)/python -m tests.check_docs --write

lock: $(VENV)/.installed  ## resolve the versions anew (hashes, no addresses)
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements-dev.lock
	$(BIN)/uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-header -q -c requirements-dev.lock -o requirements.lock

clean:  ## forget the virtual environment and the runs (not the cache)
	rm -rf $(VENV) .dialroom .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
