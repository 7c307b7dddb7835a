# Everything people and machines do with Xinshi. `make help` lists it. Works with GNU make 3.81 (macOS).
# A start from compiled files takes half the time.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
# The lock files are complete (`--no-deps`): an old pip asked to resolve extras itself runs into releases newer than them.
PIP = .venv/bin/python -m pip --disable-pip-version-check install --quiet --require-virtualenv
# make bench SCALE=province
SCALE ?= xintai

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check format bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.xinshi static/vendor/.complete ## environment, dependencies and front-end libraries, nothing else

setup-dev: setup .venv/.dev

run: setup ## start everything: database, demo market, server on http://127.0.0.1:8000
	@exec .venv/bin/xinshi run

test: setup-dev ## the whole suite, on a PostgreSQL it starts itself
	@.venv/bin/python -m pytest -n logical --maxprocesses 4

check: setup-dev ## format, lint, types, floors, templates, tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/djlint --quiet --lint templates
	@$(MAKE) test

format: setup-dev ## format code
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: setup-dev ## measure, each figure beside its peer
	.venv/bin/python -m benchmarks --scale $(SCALE)
	.venv/bin/python -m benchmarks.grading --speed

.venv/bin/python:
	@PYTHON="$(PYTHON)" sh scripts/venv.sh

.venv/.xinshi: requirements.lock pyproject.toml .venv/bin/python
	@$(PIP) --no-deps --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.xinshi
	@$(PIP) --no-deps --require-hashes --requirement requirements-dev.lock
	@touch $@

static/vendor/.complete: package-lock.json .venv/.xinshi
	@.venv/bin/xinshi setup
	@touch $@
