# `make help` lists what there is.
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo demo-platforms demo-push conformance run test lint format bench doctor schema clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/installed ## set everything up, build a real appliance and show it (EXIT=1: end with the build's outcome)
	@$(PYTHON) manage.py demo $(if $(EXIT),--exit)

demo-platforms: .venv/installed-dev ## the same on EC2, vSphere and Vagrant too, against simulated ones (EXIT=1 as above)
	@$(PYTHON) -m tests.demo $(if $(EXIT),--exit)

demo-push: .venv/installed-dev ## a push to a git server changes a Puppet manifest, and becomes a published release (EXIT=1 as above)
	@$(PYTHON) -m tests.demo.push $(if $(EXIT),--exit)

conformance: .venv/installed-dev ## run people's own clients (vagrant, packer, curl, gpg …) against a catalog (EXIT=1: exit 0 if all pass; CLIENT=name)
	@scripts/packages conformance || true
	@$(PYTHON) -m tests.conformance $(if $(EXIT),--exit) $(CLIENT)

run: .venv/installed ## start the site for everyday use: web, workers, queue (asks for the first admin)
	@$(PYTHON) manage.py up

doctor: .venv/installed ## say what this machine can do, and how to get what is missing
	@$(PYTHON) manage.py doctor

test: .venv/installed-dev ## run all tests: real guests, Redis, Chromium; SQLite, then PostgreSQL
	$(PYTHON) -m tests.run $(ARGS)

lint: .venv/installed-dev ## check style, types, imports and migrations
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) manage.py makemigrations --check --dry-run

format: .venv/installed-dev ## put the code in the project's style
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: .venv/installed-dev ## measure against Packer, boto3 and nginx (CASE=name for one case); writes bench.json
	@scripts/packages bench
	$(PYTHON) -m bench $(CASE)

lock: ## write the lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --python-version 3.11 --universal --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev -c requirements.lock --python-version 3.11 --universal --generate-hashes --no-header -q -o requirements-dev.lock

clean: ## remove what was installed and built here; data in var/ stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache

.venv/bin/python: packages.txt
	@scripts/packages run
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Slipway needs Python 3.11 or newer; this is $$(python3 --version)." >&2; exit 1; }
	python3 -m venv .venv
	@touch $@

.venv/installed: .venv/bin/python requirements.lock
	@echo "Installing the Python packages into .venv …"
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@scripts/packages test
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
