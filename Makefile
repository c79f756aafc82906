# A fresh machine needs Python 3.11 or later, make and nothing else: every target makes what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
MINUTES ?= 30
SAMPLE := sample_projects/penguins
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help run studio test check fmt bench soak seed system clean

help:
	@echo "make run              run the penguins sample and print its figures"
	@echo "make studio           open the studio on that sample"
	@echo "make test             all tests, with the time each folder took"
	@echo "make check            format, lint, types, import contracts"
	@echo "make fmt              format and fix what can be fixed"
	@echo "make bench            benchmarks, each beside a floor measured in the same run"
	@echo "make soak MINUTES=30  long tests that kill things"
	@echo "make seed             which rows of the design are shown by tests"
	@echo "make system           Debian packages that some tests can use, and the tests that need them"
	@echo "make clean            remove what the targets made"

# The stamps are the only memory of what is installed: the environment is changed when pyproject.toml is, not before.
$(VENV)/made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Flowloom needs Python 3.11 or later, and %s is %s. Name another: make PYTHON=python3.12" % (sys.executable, sys.version.split()[0]))'
	@test -x $(BIN)/python || { echo "making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "installing flowloom into $(VENV) ..."
	@$(PIP) install -e .
	@touch $@

$(VENV)/made-test: $(VENV)/made
	@echo "installing what the tests use into $(VENV) ..."
	@$(PIP) install -e '.[test]'
	@touch $@

$(VENV)/made-dev: $(VENV)/made-test
	@echo "installing the development tools into $(VENV) ..."
	@$(PIP) install -e '.[dev]'
	@touch $@

run: $(VENV)/made
	@$(BIN)/flowloom run $(SAMPLE)
	@echo
	@cat $(SAMPLE)/out/summary.txt
	@echo "Report:  $(CURDIR)/$(SAMPLE)/out/report.html"
	@echo "Studio:  make studio   (or: $(BIN)/flowloom studio $(SAMPLE))"

studio: $(VENV)/made
	@$(BIN)/flowloom studio $(SAMPLE)

test: $(VENV)/made-test
	@$(BIN)/python -m pytest -n 2 --reruns 2 --durations=15 --durations-min=1.0 --budget

check: $(VENV)/made-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fmt: $(VENV)/made-dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/made-test
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

soak: $(VENV)/made-test
	@FLOWLOOM_SOAK_MINUTES=$(MINUTES) $(BIN)/python -m pytest -m soak --timeout=0 -s

seed: $(VENV)/made-test
	@$(BIN)/python tests/seed_rows.py

system: $(VENV)/made-test
	@command -v apt-get >/dev/null || { echo "make system knows Debian's packages only; install by hand: graphviz tmux openssh nftables faketime librsvg chromium, and the tests of the standard library"; exit 1; }
	apt-get install -y graphviz tmux openssh-server nftables faketime librsvg2-bin chromium libpython3-testsuite
	@$(BIN)/python -m pytest -m system

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -rf sample_projects/*/out sample_projects/*/.flowloom
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
