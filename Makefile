# One command for each thing one does with Linewise; `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MODEL := smollm2-135m
EXTRAS := hub,remote
ALL_EXTRAS := hub,remote,collector,train

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check environment tests protocol constraints clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing, fetch the model and show completions at work
	@$(PYTHON) models/linewise_models/install.py --venv $(VENV) --extras $(EXTRAS)
	@$(BIN)/linewise models pull $(MODEL)
	@$(BIN)/linewise demo

test: check tests ## Set up what is missing, then every check and every test

check: environment ## Formatting, lint, types and layers: the checks that take seconds
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: environment
	@$(BIN)/linewise models pull $(MODEL)
	LINEWISE_TEST_MODEL="$$($(BIN)/linewise models path $(MODEL))" $(BIN)/pytest

environment:
	@$(PYTHON) models/linewise_models/install.py --venv $(VENV) --extras $(ALL_EXTRAS) --groups dev

protocol: environment ## Write the TypeScript of the messages that Linewise adds to LSP
	@mkdir -p build
	$(BIN)/python -m linewise_server.protocol > build/protocol.ts
	mv build/protocol.ts extension/src/protocol.ts

constraints: ## Resolve all dependencies anew and write what is newest to constraints.txt
	$(PYTHON) -m venv build/pins
	build/pins/bin/python -m pip install --quiet --upgrade pip
	build/pins/bin/python -m pip install --quiet --dry-run --ignore-installed \
	  --report build/pins.json --editable '.[$(ALL_EXTRAS)]' --group dev pip
	$(PYTHON) .ci/constraints.py build/pins.json > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## Remove what was built and cached; the environment and the models stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .test-output
	find server models telemetry tests -name __pycache__ -prune -exec rm -rf {} +

# The extension: vsix, vscode, pictures, and its tests within `test`.
