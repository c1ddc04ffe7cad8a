# Each target does the set-up it needs: .venv with the versions of constraints.txt, and Qt's system libraries.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BUNDLE_VENV := build/bundle-venv
# make run TORCH_INDEX=https://download.pytorch.org/whl/cpu takes the CPU build of torch (README).
TORCH_INDEX ?=
# How many processes run the tests: two, for that is what they are sure to fit into.
JOBS ?= 2
# Compiled modules are kept, whatever the environment says: the tests start some hundred processes.
unexport PYTHONDONTWRITEBYTECODE
# What `make run` opens, and where its picture goes if there is no display.
MAIN := open us-cities
PICTURE := build/dallas.png

.PHONY: help run test test-all test-bundle check samples screenshots bench bundle deb tarball clean

help:
	@echo "make run          open the window on the sample; without a display, make a picture of it"
	@echo "make test         the quick tests"
	@echo "make check        ruff, mypy --strict and the import contracts"
	@echo "make test-all     every test, the slow ones too"
	@echo "make screenshots  make the pictures of docs/screenshots and check their texts"
	@echo "make bench        measure start-up, drawing and the engine (minutes)"
	@echo "make bundle       freeze the program into one folder, dist/circuit-explorer, and let it test itself"
	@echo "make test-bundle  make bundle and the tests of its result, and of the wheel"
	@echo "make deb          put the frozen program into a .deb, for the release of Debian or Ubuntu that built it and newer"
	@echo "make tarball      the same as a tarball with an install script, for any Linux"
	@echo "make samples      train the sample models again (minutes)"
	@echo "make clean        remove the virtual environment and what was built"

$(STAMP): pyproject.toml constraints.txt
	@python=$$(scripts/find-python) && "$$python" scripts/system-libraries && \
	if [ ! -x $(BIN)/pip ]; then "$$python" -m venv --clear $(VENV); fi
	@echo "Installing the pinned packages into $(VENV) (torch is large)"
	@$(BIN)/python -m pip --disable-pip-version-check install --no-input \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt -e '.[dev]'
	@touch $@

run: $(STAMP)
	@if [ "$$(uname)" != Linux ] || [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ]; then \
		$(BIN)/circuit-explorer $(MAIN); \
	else \
		mkdir -p $(dir $(PICTURE)) && $(BIN)/circuit-explorer $(MAIN) --picture $(PICTURE) && \
		echo "There is no display. The picture of the window is $(CURDIR)/$(PICTURE)"; \
	fi

# worksteal: neighbours, which share what they set up, stay in one process.
test: $(STAMP)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not slow and not bundle and not peer"

test-all: $(STAMP)
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not bundle and not peer"

check: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/mypy --strict explorer
	@$(BIN)/lint-imports --no-logo

samples: $(STAMP)
	@$(BIN)/python -m sample_models.training.us_cities
	@for specimen in letters superposition "adder --seed 2" "modular modular-113" "modular modular-59" induction; do \
		$(BIN)/python -m sample_models.training.$$specimen; \
	done
	@$(BIN)/python -m sample_models.training.us_cities.features

screenshots: $(STAMP)
	@$(BIN)/python scripts/screenshots

bench: $(STAMP)
	@$(BIN)/python -m benchmarks.window
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.canvas

# A clean environment: what only the developers need must not come along.
$(BUNDLE_VENV)/.installed: pyproject.toml constraints.txt
	@python=$$(scripts/find-python) && "$$python" scripts/system-libraries && "$$python" -m venv --clear $(BUNDLE_VENV)
	@$(BUNDLE_VENV)/bin/python -m pip --disable-pip-version-check install --no-input \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt '.[gguf,bundle]'
	@touch $@

# PYTHONPATH: what is frozen is this checkout, not what was installed from it earlier.
bundle: $(BUNDLE_VENV)/.installed
	@PYTHONPATH=. PYTHONHASHSEED=0 $(BUNDLE_VENV)/bin/python -m PyInstaller --noconfirm --log-level WARN --workpath build/frozen explorer.spec
	@dist/circuit-explorer/circuit-explorer self-test

test-bundle: $(STAMP) bundle
	@$(BIN)/python -m pytest -q -m "bundle or slow" tests/test_bundle.py tests/test_wheel.py

dist/circuit-explorer:
	@$(MAKE) bundle

# An order-only prerequisite: what lies in dist is packed as it is.
deb tarball: | $(BUNDLE_VENV)/.installed dist/circuit-explorer
	@PYTHONPATH=. $(BUNDLE_VENV)/bin/python -m scripts.packages $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find explorer sample_models tests -name __pycache__ -type d -prune -exec rm -rf {} +
