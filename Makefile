# make paper   the paper's tables on simulated data, in results/paper_tables/
# make test    lint, types and all tests
# Both set up .venv first, from requirements.txt.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: paper test setup clean
.DELETE_ON_ERROR:

paper: setup
	$(BIN)/python experiments/paper_tables.py

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

setup: $(VENV)/.complete

$(VENV)/.complete: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	"eegemo needs Python 3.11, 3.12 or 3.13, found %d.%d; name one with: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV)
