# One door to everything; `make help` lists it. Nothing needs a step before it but Python 3.11.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SERVICES := order inventory warehouse billing shipping notify
PACKAGES := contracts chassis deploy/local $(SERVICES:%=services/%) cli
LOCKING := --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
TESTS := $(PACKAGES:%=%/tests) bench/tests tests/architecture tests/simulation tests/integration \
  tests/faults/test_proxy.py tests/faults/test_matrix.py

.DEFAULT_GOAL := help
.PHONY: help setup demo up test faults check bench golden format lock clean

help:  ## list what can be done
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(VENV)/ready  ## create the virtual environment with everything pinned

$(VENV)/ready: requirements-dev.lock $(PACKAGES:%=%/pyproject.toml)
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed; set PYTHON to where it is"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PACKAGES:%=-e %)
	@touch $@

demo: setup  ## bring everything up, play 400 orders, prove the outcome, stop everything
	$(BIN)/oms demo --standalone

up: setup  ## bring everything up and keep it running until Ctrl-C
	$(BIN)/oms up

test: setup check  ## every check and every test
	@for tests in $(TESTS); do echo "$$tests"; $(BIN)/python -m pytest $$tests || exit 1; done

faults: setup  ## break everything on purpose, and write down what was seen (most of an hour)
	@$(BIN)/python -m pytest tests/faults --all --record --ignore tests/faults/test_matrix.py; \
	  played=$$?; $(BIN)/python tests/faults/matrix.py && \
	  $(BIN)/python -m pytest tests/faults/test_matrix.py --all && exit $$played

bench: setup  ## what this machine carries, and what an order costs (RATE orders a second)
	$(BIN)/python -m bench --rate $(or $(RATE),250)

check: setup  ## style, types, imports, and whether contracts stayed compatible
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m oms_contracts.gate check

golden: setup  ## record what orders and payments come to, for a release (VERSION=0.2.0)
	$(BIN)/python services/order/tests/golden.py record $(VERSION)
	$(BIN)/python services/billing/tests/golden.py record $(VERSION)

format: setup  ## write the code as `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup  ## resolve what is not pinned yet, with hashes; UPGRADE=--upgrade takes the newest
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile $(LOCKING) $(UPGRADE) requirements-dev.in -o requirements-dev.lock
	$(BIN)/uv pip compile $(LOCKING) $(UPGRADE) -c requirements-dev.lock requirements.in -o requirements.lock

clean:  ## remove the virtual environment and the local run directory
	rm -rf $(VENV) .oms
