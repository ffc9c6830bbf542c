# Every target sets up .venv by itself, from nothing but Python 3.11 and git.
# The stamp makes a second call install nothing until the lock or pyproject.toml changes.

PYTHON ?= python3.11
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
# Two processes, each with whole files: fixtures of a file are made once.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help bench demo test test-slow check up docs lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it or call 'make PYTHON=/path/to/python3.11'" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==$(UV_VERSION)'
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode --requirements requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

bench: $(STAMP)  ## run the bench on the embedded writers and print its leaderboard
	@$(BIN)/tip bench run

demo: $(STAMP)  ## live 18 days with simulated people in minutes: serve, learn, train, release; ends with a page
	@$(BIN)/tip demo

test: $(STAMP)  ## pass the tests that take minutes
	@.ci/services
	@$(PYTEST) -m "not slow"

test-slow: $(STAMP)  ## pass the long tests
	@.ci/services
	@$(PYTEST) -m slow

check: $(STAMP)  ## lint, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

up: $(STAMP)  ## start the Dagster UI and its daemon, the MLflow UI, the server and the admin panel
	@$(BIN)/tip up

docs: $(STAMP)  ## render the reference of tip_experiments into docs/reference/
	@$(BIN)/pdoc --output-directory docs/reference tip_experiments

lock:  ## resolve requirements.lock anew from pyproject.toml
	@test -x $(BIN)/uv || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet 'uv==$(UV_VERSION)'; }
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--all-extras --group dev --output-file requirements.lock pyproject.toml

clean:  ## remove the environment and caches, never .tip
	rm -rf $(VENV) docs/reference .mypy_cache .ruff_cache .pytest_cache
