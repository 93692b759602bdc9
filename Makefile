# Needs python3.11+ and make; everything else is installed into .venv.

PYTHON ?= python3
PYTEST_ARGS ?=
PYTEST := -m pytest -n auto
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TORCH := $(VENV)/.torch-installed

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format types contracts coverage bench screenshot docs causes wheel-test clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP)  ## open the compare screen on a bundled pair of traces
	@$(BIN)/braggtrace demo || test $$? -eq 1  # 1: the traces diverge, which is the point of the demo

test: $(TORCH)  ## run the tests (PYTEST_ARGS="-k name" to choose)
	$(BIN)/python $(PYTEST) $(PYTEST_ARGS)

check: lint types contracts coverage  ## everything a change must pass

lint: $(STAMP)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP)  ## let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(TORCH)  ## mypy, strict
	$(BIN)/mypy

contracts: $(TORCH)  ## import-linter: who may import whom
	$(BIN)/lint-imports

coverage: $(TORCH)  ## the tests again, with the coverage threshold
	$(BIN)/python $(PYTEST) --cov --cov-report=term $(PYTEST_ARGS)

bench: $(TORCH)  ## speed and memory, with the numbers printed; takes some minutes
	@for name in run map engine service rerun; do echo; echo "== bench/$$name.py"; $(BIN)/python bench/$$name.py || exit 1; done

screenshot: $(TORCH)  ## the picture in the README, drawn by the real screen
	$(BIN)/python scripts/screenshot.py

docs: $(TORCH)  ## the generated pages of docs/
	$(BIN)/python scripts/docs.py
	$(BIN)/python scripts/docs_steps.py

causes: $(TORCH)  ## faults seeded into the engine: how often their causes are found (docs/causes.md; 20 minutes)
	$(BIN)/python scripts/causes.py

wheel-test: $(STAMP)  ## build the wheel and run the headless tests against it
	PYTHON=$(BIN)/python scripts/wheel-test

clean:  ## remove what make made
	rm -rf $(VENV) build dist .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last, so an interrupted install starts over.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "braggtrace needs Python 3.11 or newer, got " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# Only what computes needs PyTorch, and it is big: the demo goes without.
$(TORCH): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,torch]'
	@touch $@
