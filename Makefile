# Everything a fresh clone needs: Python 3.11 or newer, make, and a connection to a package index.
.POSIX:

# The first of these that is Python 3.11 or newer is used. 3.12 and 3.11 come first because only for them
# does a wheel bring Redis along; on 3.13 and newer redis-server must be installed.
PYTHON ?= python3.12 python3.11 python3 python3.13 python3.14
PORT ?= 8000
DATA ?= data
BIN = .venv/bin
# --no-compile: bytecode of what is never imported is 100 MB, and ten seconds of waiting.
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile

help:
	@echo "make run [PORT=8000] [DATA=data]   install, start Quire, take two example PDFs in, ask about one"
	@echo "make test                          install with what tests need, run the tests"
	@echo "make lint                          ruff, mypy, import-linter, djade"
	@echo "make clean                         remove .venv and caches (DATA is kept)"

run: .venv/.run
	@$(BIN)/python -m examples.tour --port $(PORT) --data-dir $(DATA)

test: .venv/.dev
	@$(BIN)/inv test

lint: .venv/.dev
	@$(BIN)/inv lint

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# A file that marks what is done, newer than the lock it was done from: the second time nothing is left to do.
.venv/.run: .venv/.made requirements/run.txt pyproject.toml
	@echo "Installing what Quire needs into .venv (half a minute to a few, by your connection) …"
	@$(PIP) --require-hashes --requirement requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.made requirements/dev.txt pyproject.toml
	@echo "Installing what Quire and its tests need into .venv …"
	@$(PIP) --require-hashes --requirement requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.made:
	@for python in $(PYTHON); do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making .venv with $$($$python --version)"; \
			$$python -m venv .venv || { rm -rf .venv; exit 1; }; \
			touch $@; exit 0; \
		fi; \
	done; \
	echo "error: Quire needs Python 3.11 or newer; none of these is: $(PYTHON)." \
		"Install one, or name it: make run PYTHON=/path/to/python3.12" >&2; \
	exit 1

.PHONY: help run test lint clean
