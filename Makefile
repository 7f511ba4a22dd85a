# Every target sets up what it needs in .venv; only Python 3.11 or newer, make and pip have to be there.
#
#   make demo         tune a network on Fashion-MNIST, two to three minutes
#   make test         everything that has to be green: style, types, layers, tests, examples in the documentation
#   make test-slow    the tests that take longer
#   make test-faults  the tests in which processes, nodes and disks fail (an hour and more)
#   make format       put the source in order
#   make api          write down the public signatures again, after a change that is meant
#   make bench-lab    time to quality, side by side with KerasTuner (hours; MODELWRIGHT_DATA names the data)
#   make bench-search our strategies and their peers on the same problems (half an hour and more)
#   make clean        remove .venv and what the tools left

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
DEV := $(VENV)/.dev-installed
USE := $(VENV)/.use-installed
PEER := $(VENV)/peer
PEERS := $(VENV)/peers
SOURCES := src tests examples benchmarks
# Keras' JAX backend, unless the user says otherwise.
RUN := KERAS_BACKEND=$${KERAS_BACKEND:-jax} TF_CPP_MIN_LOG_LEVEL=2 PYTHONUNBUFFERED=1
# Much of a test is waiting for a process, a server or a clock: two at a time. `make test SPLIT=` runs one after another.
SPLIT ?= -n 2 --dist loadgroup --no-loadscope-reorder --max-worker-restart=0
# Tests give the same on every machine, with or without an accelerator.
TEST := $(RUN) JAX_PLATFORMS=$${JAX_PLATFORMS:-cpu}

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types layers unit test-slow test-faults format api bench-lab bench-search clean

help:
	@sed -n '3,11s/^#  *//p' Makefile

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Modelwright needs Python 3.11 or newer: apt install python3, or make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."
	@# Debian's python3 comes without ensurepip: then the environment is made bare and the system's pip fills it.
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	|| { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; } \
	|| { rm -rf $(VENV); $(PYTHON) -m virtualenv -q $(VENV); } \
	|| { rm -rf $(VENV); echo "Could not make $(VENV). On Debian: apt install python3-venv, or python3-pip" >&2; exit 1; }

# Twice quiet hides pip's warnings about a machine's own settings, which bury what is said here; errors are shown.
# With everything for development the parts for use are there too, so the demo does not install twice.
$(DEV): pyproject.toml | $(BIN)/python
	@echo "Installing Modelwright and its tools; the first time this takes a minute or two ..."
	@$(BIN)/python -m pip install -q -q --disable-pip-version-check -e '.[dev]'
	@touch $(DEV) $(USE)

$(USE): pyproject.toml | $(BIN)/python
	@echo "Installing Modelwright, Keras and JAX; the first time this takes a minute or two ..."
	@$(BIN)/python -m pip install -q -q --disable-pip-version-check -e '.[all]'
	@touch $(USE)

demo: $(USE)
	@$(RUN) $(BIN)/python examples/demo.py

# In this order, so that what is quick fails first and pytest's summary stands last.
test: lint types layers unit

lint: $(DEV)
	$(BIN)/ruff check $(SOURCES)

types: $(DEV)
	$(BIN)/basedpyright --level error

layers: $(DEV)
	$(BIN)/lint-imports --no-logo --no-cache

unit: $(DEV)
	@$(TEST) $(BIN)/python -m pytest $(SPLIT) --doctest-modules --doctest-glob='*.md' tests src/modelwright README.md docs

test-slow: $(DEV)
	@$(TEST) $(BIN)/python -m pytest -m 'slow and not gpu' tests

test-faults: $(DEV)
	@$(TEST) $(BIN)/python -m pytest -m 'faults and not gpu' --timeout 7200 tests

format: $(DEV)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

api: $(DEV)
	$(RUN) $(BIN)/python tests/project/api_snapshot.py --write

# KerasTuner gets an environment of its own; its last release needs six and does not say so.
$(PEER)/bin/python: | $(DEV)
	@$(BIN)/python -m venv --without-pip $(PEER)
	@$(BIN)/python -m pip --python $@ install -q keras jax 'keras-tuner==1.4.8' six || { rm -rf $(PEER); exit 1; }

bench-lab: $(DEV) $(PEER)/bin/python
	$(RUN) $(BIN)/python benchmarks/lab.py --peer-python $(PEER)/bin/python $(ARGS)

# Peers of the search have versions of their own too; torch, which Optuna's Gaussian process needs, is left to whoever
# wants it. Wheels are not there for all that SMAC needs: without it the others are compared.
$(PEERS)/bin/python: | $(DEV)
	@$(BIN)/python -m venv --without-pip $(PEERS)
	@$(BIN)/python -m pip --python $@ install -q -e '.[bench]' || { rm -rf $(PEERS); exit 1; }
	@$(BIN)/python -m pip --python $@ install -q 'smac>=2.4' || echo "SMAC could not be installed: leave it out of --peers"

bench-search: $(DEV) $(PEERS)/bin/python
	$(RUN) $(PEERS)/bin/python benchmarks/search/compare.py $(ARGS)

clean:
	rm -rf $(VENV) .pytest_cache .hypothesis .ruff_cache .import_linter_cache
