# Two commands do all set-up: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
DEMO_DATABASE := sqlite:///.work/demo.db
PATIENTS ?= 25
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help run test check format bench pack wheel-test clean services

help: ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/.runtime: pyproject.toml constraints.txt
	@bash .ci/venv $(PYTHON)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.development: .venv/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[testing,worker,dev]'
	@touch $@

run: .venv/.runtime ## start the server on SQLite with a sample clinic in it (PORT=8000, PATIENTS=25)
	@mkdir -p .work
	@if [ ! -f .work/demo.loaded ]; then \
	  rm -f .work/demo.db*; \
	  FHIR_SERVER_DATABASE_URL=$(DEMO_DATABASE) $(BIN)/fhir-server sample-data --patients $(PATIENTS) --seed 1 --load \
	  && touch .work/demo.loaded; \
	else \
	  echo "The clinic in .work/demo.db is as it was left; 'rm .work/demo.*' has the next start make a new one."; \
	fi
	@FHIR_SERVER_DATABASE_URL=$(DEMO_DATABASE) $(BIN)/fhir-server serve --auth off --port $(PORT)

services: ## install PostgreSQL and Redis where this machine lets us
	@bash .ci/services

test: .venv/.development services ## run every test, on SQLite and on a real PostgreSQL
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST)

check: .venv/.development ## ruff, mypy, import rule, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/codespell

format: .venv/.development ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.development services ## measure beside a raw baseline on the same stack
	$(BIN)/python -m benchmarks $(BENCH)

pack: .venv/.runtime ## rebuild the R4 definition pack from the official package (SOURCE=…)
	@[ -n "$(SOURCE)" ] || { echo "Name the package: make pack SOURCE=hl7.fhir.r4.core-4.0.1.tgz (it is on packages.fhir.org)" >&2; exit 2; }
	$(BIN)/fhir-server definitions build $(SOURCE)

wheel-test: .venv/.development ## build the wheel and start it from an empty environment
	bash .ci/wheel

clean: ## remove what can be made again
	rm -rf .venv .work dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
