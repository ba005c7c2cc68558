# One command for each thing; CI runs the same ones. Needs Python 3.11 or newer, and Node 20 or newer.
PYTHON ?= python3
SITE_PORT ?= 8000
TRACKER_PORT ?= 8001
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := $(VENV)/.demo
# Most of their time is waiting, hence more of them at once than there are cores; those of a file share what they build.
# What compares moments with a bound comes after them, by itself. Without a whole Chromium those that need one are left out, and counted in red.
define BROWSER_TESTS
$(BIN)/pytest -m 'not alone' -n 4 --dist loadfile tests/browser tests/e2e
$(BIN)/pytest -m alone tests/browser tests/e2e
endef
WITHOUT_BROWSER := --ignore=tests/e2e --ignore=tests/browser
JS_READY := js/node_modules/.ready
# Without a network it gives up soon.
APT := -o Acquire::Retries=0 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types check-js coverage browser e2e fix js bench promises audit clean

help: ## List the targets
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

demo: $(DEMO) ## Build the example site with a made-up history, serve it and a tracker on 127.0.0.1 until Ctrl-C
	@exec $(BIN)/python example_site/demo.py --site-port $(SITE_PORT) --tracker-port $(TRACKER_PORT)

test: ## Install what is needed and run everything
	@$(MAKE) --silent --jobs=2 $(READY) $(JS_READY)
	@$(MAKE) --silent browser || echo 'Going on with the headless shell that npm has installed.'
	@$(MAKE) --no-print-directory check

check: ## Run without set-up: lint, types, all tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types check-js
	TEST_EVENTS=16000 $(BIN)/pytest -n 4 $(WITHOUT_BROWSER)
	$(BROWSER_TESTS)

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types:
	$(BIN)/mypy

check-js:
	npm --prefix js run --silent check
	npm --prefix js run --silent build -- --check
	npm --prefix js test --silent

coverage: $(READY) ## Say which lines the tests without a browser do not reach
	$(BIN)/pytest -n 2 --cov --cov-report=term-missing:skip-covered $(WITHOUT_BROWSER)

# A headless shell will not do for all (`tests/e2e/chrome.py`). Where no whole one can be installed here, this says what to do and fails.
browser: $(READY) ## Install a whole Chromium where there is none (Debian, as root)
	@$(BIN)/python -m tests.e2e.chrome 2>/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  apt-get update -qq $(APT) && apt-get install -qq -y --no-install-recommends $(APT) chromium; } || true
	@$(BIN)/python -m tests.e2e.chrome

e2e: $(READY) $(JS_READY) browser ## Run all tests that need a browser, with a whole Chromium (about 5 minutes)
	$(BROWSER_TESTS)

fix: ## Format and mend what tools can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	npm --prefix js run --silent fix

js: $(JS_READY) ## Rebuild the browser scripts
	npm --prefix js run --silent build

bench: $(READY) $(JS_READY) browser ## Measure, beside the floors of the same run (about 17 minutes)
	$(BIN)/python -m bench

promises: $(READY) ## Put every promise to the test and write docs/promises.md (about 18 minutes; LONG=1: the numbers of a release)
	$(BIN)/python -m tests.reliability

# The tools are installed beside what they look at, not into it.
audit: ## Ask for known vulnerabilities of what is installed at run time, write its bill of materials (dist/sbom.cdx.json)
	@$(PYTHON) -m venv --clear --without-pip build/audit/site && $(PYTHON) -m venv --clear build/audit/tools && mkdir -p dist
	@build/audit/tools/bin/pip install --quiet --disable-pip-version-check '.[audit]'
	@build/audit/tools/bin/pip --python build/audit/site/bin/python install --quiet --disable-pip-version-check '.[server,postgres]'
	build/audit/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/sbom.cdx.json build/audit/site/bin/python
	npm --prefix js audit
	@build/audit/tools/bin/pip --python build/audit/site/bin/python freeze --exclude mkdocs-stats-plugin > build/audit/installed.txt
	build/audit/tools/bin/pip-audit --strict --progress-spinner off --no-deps --disable-pip --requirement build/audit/installed.txt

clean: ## Remove what was installed and built
	rm -rf $(VENV) js/node_modules build dist example_site/site

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed; try make PYTHON=python3.12"'
	@echo 'Creating $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(DEMO): $(VENV)/.venv pyproject.toml
	@echo 'Installing what the demo needs'
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[server,demo]'
	@touch $@

$(READY): $(VENV)/.venv pyproject.toml
	@echo 'Installing what the tests need'
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[server,dev]'
	@touch $@ $(DEMO)

$(JS_READY): js/package.json js/package-lock.json
	@echo 'Installing what the browser scripts need'
	@npm --prefix js ci --no-audit --no-fund --loglevel=error
	@touch $@
