#!/bin/sh
# Make the lock files again after a change of pyproject.toml: hashes, no addresses. Needs uv in the environment.
set -eu
lock() { .venv/bin/uv pip compile pyproject.toml "$@" --quiet --universal --python-version 3.11 --generate-hashes --no-header; }
lock --group build --output-file requirements.lock
lock --group dev --constraint requirements.lock --output-file requirements-dev.lock
