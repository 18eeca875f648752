# make book: the environment, then the book in _build/html/index.html
# make test: the environment, then every check that is quick: some minutes
# make check: what is long: builds, a second clone, a lost worker, thousands of spoilt folders, every page in Chromium
# Each works on a machine with Python 3.11-3.14 and make; name another Python with PYTHON=python3.12.
PYTHON ?= python3
BIN = .venv/bin
# Packages are installed without bytecode; let Python keep what it compiles on first use.
unexport PYTHONDONTWRITEBYTECODE

# Several processes share the cores; threads of the linear algebra would only wait for one another.
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: book test check lint style datapackage examples lock clean

book: .venv/ready
	@$(BIN)/magnetflow build

# Types are checked beside the tests, which leave the processor idle now and then.
test: .venv/ready style
	@mkdir -p _build; $(BIN)/mypy > _build/mypy.log 2>&1 & types=$$!; \
	$(BIN)/python -m pytest -m "not long"; failed=$$?; \
	wait $$types || { cat _build/mypy.log; failed=1; }; exit $$failed

check: .venv/ready
	@$(BIN)/python -m pytest -m long

lint: .venv/ready style
	@$(BIN)/mypy

style: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

# After a change to a table: write its new hash into the datapackage.json of its package.
datapackage: .venv/ready
	@$(BIN)/python -m magnetflow.tables.datapackage

# After a change to a table of the study: write the worked example anew.
examples: .venv/ready
	@$(BIN)/python -m magnetflow.studies.united_kingdom.accounts

# After a change to requirements.in: pin again. Needs uv; the file carries no addresses and no hashes.
lock:
	uv pip compile requirements.in --universal --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements.lock

.venv/ready: requirements.lock pyproject.toml tools/environment.py
	@$(PYTHON) tools/environment.py

clean:
	rm -rf _build
