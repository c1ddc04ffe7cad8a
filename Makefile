# Each target does the set-up it needs: .venv with the versions of constraints.txt, and Qt's system libraries.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# make run TORCH_INDEX=https://download.pytorch.org/whl/cpu takes the CPU build of torch (README).
TORCH_INDEX ?=
# What `make run` does: `picture` until the window exists.
MAIN := picture
PROMPT := Fact: the capital of the state containing Dallas is

.PHONY: help run picture test test-all check samples screenshots bench clean

help:
	@echo "make run          explain the Dallas prompt of the sample model"
	@echo "make test         the quick tests"
	@echo "make check        ruff, mypy --strict and the import contracts"
	@echo "make test-all     every test, the slow ones too"
	@echo "make samples      train the sample models again (minutes)"
	@echo "make clean        remove the virtual environment and what was built"

$(STAMP): pyproject.toml constraints.txt
	@python=$$(scripts/find-python) && "$$python" scripts/system-libraries && \
	if [ ! -x $(BIN)/pip ]; then "$$python" -m venv --clear $(VENV); fi
	@echo "Installing the pinned packages into $(VENV) (torch is large)"
	@$(BIN)/python -m pip --disable-pip-version-check install --no-input \
		$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt -e '.[dev]'
	@touch $@

run: $(MAIN)

picture: $(STAMP)
	@mkdir -p build
	@$(BIN)/circuit-explorer attribute us-cities --prompt "$(PROMPT)" -o build/dallas.circuit
	@$(BIN)/circuit-explorer export build/dallas.circuit build/dallas.png
	@echo "The picture is $(CURDIR)/build/dallas.png"

test: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not slow and not bundle and not peer"

test-all: $(STAMP)
	@$(BIN)/python -m pytest -q -m "not bundle and not peer"

check: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/mypy --strict explorer
	@$(BIN)/lint-imports --no-logo

samples: $(STAMP)
	@$(BIN)/python -m sample_models.training.us_cities

# Both need what is not written yet; until then they say so and fail.
screenshots: $(STAMP)
	@test -f scripts/screenshots || { echo "There is no window to photograph yet." >&2; exit 1; }
	@QT_QPA_PLATFORM=offscreen $(BIN)/python scripts/screenshots

bench: $(STAMP)
	@test -d benchmarks || { echo "There are no benchmarks yet." >&2; exit 1; }
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find explorer sample_models tests -name __pycache__ -type d -prune -exec rm -rf {} +
