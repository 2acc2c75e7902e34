# Two commands for everybody: `make demo` and `make test`. Both set up .venv by themselves.
PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt

# Tests and the demo start Python many times; where compiled files are not kept, each start takes
# twice as long.
export PYTHONDONTWRITEBYTECODE =

.PHONY: demo test docs schemas lint long fuzz bench clean

demo: .venv/installed
	rm -rf demo && mkdir demo
	$(BIN)/wakesleep run total_sleep_deprivation ff_digits -o demo/total_sleep_deprivation.zarr
	$(BIN)/wakesleep plot demo/total_sleep_deprivation.zarr -o demo/total_sleep_deprivation.png
	$(BIN)/wakesleep dream demo/total_sleep_deprivation.zarr -o demo/dreams.png

test: export WAKESLEEP_QUICK = 1
test: export OMP_NUM_THREADS = 1  # tests run side by side
test: .venv/installed-dev lint
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --nbmake tests notebooks/0[123]*.ipynb

# The documentation as a site in site/, which needs no network; a warning is an error.
docs: .venv/installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open site/index.html"

# The JSON Schemas of protocol, model and study files, which editors use.
schemas: .venv/installed-dev
	for kind in protocol model study; do $(BIN)/wakesleep schema $$kind > docs/schemas/$$kind.json || exit 1; done

lint: .venv/installed-dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

# What takes minutes to hours, and is left out of `make test`.
long: .venv/installed-dev fuzz
	$(BIN)/python -m pytest -q -m long tests
	WAKESLEEP_QUICK=1 $(BIN)/python -m pytest -q --nbmake notebooks

# Mutated files, odd command lines, damaged results: at most ten minutes.
fuzz: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz

# An hour; writes docs/benchmarks.md. MNIST is downloaded, or lies where WAKESLEEP_DATA_DIR says.
bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.report

clean:
	rm -rf .venv demo build dist site

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) -e ".[dev,docs]"
	touch $@
