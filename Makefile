# Short names for calls of the command fringe (docs/command-line.md).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help env dev demo paper run estimate stage cluster cluster-paper resume test unit check \
  coverage lint docs gallery wheel clean

PYTHON ?= python3
BIN := .venv/bin
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
CONFIG ?= config/config.yaml
# A text as one word of the shell, also with blanks and quotes in it.
quoted = '$(subst ','\'',$(1))'
# With ALLOW_MISSING=1, missing files and all that needs them are left out.
ALLOWED := $(if $(filter-out 0,$(ALLOW_MISSING)),--allow-missing)
UNIT := "not dag and not cluster and not long"
OPTIONS = --cores $(CORES) $(ALLOWED)
# One thread in each job's linear algebra; jobs run side by side.
export OMP_NUM_THREADS ?= 1

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 15

env: .venv/.complete ## Make the Python environment in .venv

.venv/.complete: envs/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Fringe needs Python 3.11 or later; name one: make env PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -r envs/requirements.lock
	$(BIN)/pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

dev: .venv/.dev ## Add to .venv what checks and tests need

.venv/.dev: .venv/.complete envs/requirements-dev.lock
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -r envs/requirements-dev.lock
	touch $@

demo: env ## Run the demo: photographs, a simulated generator and two trained generators
	@$(BIN)/fringe demo $(OPTIONS)

paper: ## Rebuild the paper from the files that config/config.yaml names; ALLOW_MISSING=1 omits exhibits whose files are missing
	@$(MAKE) --no-print-directory run CONFIG=config/config.yaml

run: env ## Run any configuration: make run CONFIG=my.yaml
	@$(BIN)/fringe run $(call quoted,$(CONFIG)) $(OPTIONS)

estimate: env ## Estimate the cost of a run before it starts: make estimate CONFIG=my.yaml
	@$(BIN)/fringe estimate $(call quoted,$(CONFIG)) $(OPTIONS)

stage: env ## Fetch the weight files of a run, and check that its data exist: make stage CONFIG=my.yaml
	@$(BIN)/fringe stage $(call quoted,$(CONFIG)) $(ALLOWED)

cluster: env ## Run any configuration on SLURM, with profiles/slurm: make cluster CONFIG=my.yaml
	@$(BIN)/fringe run $(call quoted,$(CONFIG)) $(OPTIONS) --profile slurm

cluster-paper: ## Rebuild the paper on SLURM
	@$(MAKE) --no-print-directory cluster CONFIG=config/config.yaml

resume: env ## Continue a killed SLURM run; its remaining jobs are cancelled first: make resume CONFIG=my.yaml
	@$(BIN)/fringe cancel
	@$(BIN)/fringe run $(call quoted,$(CONFIG)) $(OPTIONS) --profile slurm

# One process more than cores, where there are few: some tests wait for other processes.
test: dev ## Run all tests, including real runs and SLURM
	$(BIN)/pytest -n $$(( $(CORES) < 3 ? $(CORES) + 1 : 4 ))

unit: dev ## Run the unit tests: no real runs, SLURM, fuzzers, hostile files, whole networks or browser
	$(BIN)/pytest -n $$(( $(CORES) < 3 ? $(CORES) + 1 : 4 )) -m $(UNIT)

check: dev ## Check style, types and the workflow, and run the unit tests, at the same time
	@$(MAKE) --no-print-directory -j 2 lint unit

coverage: dev ## Measure which lines and branches the unit tests run; all tests: make coverage TESTS=tests
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(CORES) $(if $(TESTS),$(TESTS),-m $(UNIT))
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered

lint: dev ## Check style, types, the workflow and plain English
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/snakemake --lint --configfile config/demo.yaml

docs: dev ## Build the documentation site in site/; open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

gallery: dev ## Copy tables and figures of results/demo to docs/gallery, after make demo
	$(BIN)/python docs/site/gallery.py

wheel: dev ## Build the package and its sources in dist/, and test the package in a new environment
	rm -rf build dist
	$(BIN)/python -c "from setuptools.build_meta import build_sdist as build; build('dist')" > /dev/null
	$(BIN)/pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	FRINGE_WHEEL=$$(echo dist/*.whl) $(BIN)/pytest -q tests/wheel
	@ls dist

clean: ## Remove the results of all runs, and the caches of tools (not .venv)
	rm -rf build dist site .snakemake .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.*
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
