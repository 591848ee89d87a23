# One command for each thing one does with Linewise; `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MODEL := smollm2-135m
EXTRAS := hub,remote
ALL_EXTRAS := hub,remote,collector,train

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: first-use help run test check environment tests protocol constraints clean vsix vscode pictures extension-check extension-tests

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up what is missing, fetch the model and show completions at work
	@$(PYTHON) models/linewise_models/install.py --venv $(VENV) --extras $(EXTRAS)
	@$(BIN)/linewise models pull $(MODEL)
	@$(BIN)/linewise demo

test: check extension-check tests extension-tests ## Set up what is missing, then every check and every test

check: environment ## Formatting, lint, types and layers: the checks that take seconds
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

tests: environment
	@$(BIN)/linewise models pull $(MODEL)
	LINEWISE_TEST_MODEL="$$($(BIN)/linewise models path $(MODEL))" $(BIN)/pytest

environment:
	@$(PYTHON) models/linewise_models/install.py --venv $(VENV) --extras $(ALL_EXTRAS) --groups dev,docs-test

protocol: environment ## Write the TypeScript of the messages that Linewise adds to LSP
	@mkdir -p build
	$(BIN)/python -m linewise_server.typescript > build/protocol.ts
	mv build/protocol.ts extension/src/protocol.ts

constraints: ## Resolve all dependencies anew and write what is newest to constraints.txt
	$(PYTHON) -m venv build/pins
	build/pins/bin/python -m pip install --quiet --upgrade pip
	build/pins/bin/python -m pip install --quiet --dry-run --ignore-installed \
	  --report build/pins.json --editable '.[$(ALL_EXTRAS)]' --group dev --group docs-test pip
	$(PYTHON) .ci/constraints.py build/pins.json > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean: ## Remove what was built and cached; the environment and the models stay
	rm -rf extension/dist extension/out extension/wheel extension/linewise.vsix
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .test-output
	find server models telemetry tests -name __pycache__ -prune -exec rm -rf {} +

NODE_MODULES := extension/node_modules/.package-lock.json

$(NODE_MODULES): extension/package-lock.json
	cd extension && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

vsix: environment $(NODE_MODULES) ## Build the VS Code extension: extension/linewise.vsix
	@$(BIN)/python extension/payload.py
	cd extension && npx vsce package --no-dependencies --allow-missing-repository --no-rewrite-relative-links --out linewise.vsix

vscode: vsix ## Build the extension and install it into VS Code
	code --install-extension extension/linewise.vsix

extension-check: $(NODE_MODULES)
	cd extension && npx tsc && npx eslint .

# Unit tests on Node, then the real VS Code: what that needs is installed into a cache of its own.
extension-tests: vsix
	cd extension && npm test && npm run e2e

first-use: vsix ## Walk through a first use in a real VS Code with the real server and model
	cd extension && npm run first-use

pictures: vsix ## Take the pictures of extension/README.md in a real VS Code
	cd extension && npm run pictures
