# conformance: check the reference server. test: all that CI runs. Both set up .venv by themselves, once.
# Needs python3 (3.11 or newer); `test` needs node, npm and curl as well.

PYTHON ?= python3
BIN := .venv/bin
export NO_MKDOCS_2_WARNING := 1
unexport PYTHONDONTWRITEBYTECODE # servers are started some hundred times: bytecode is a quarter of that
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
SAY := @printf '== %s\n'
# Where tests run beside each other, one may be late that is not late by itself: what failed runs again, and counts.
ALONE = { printf '== what failed beside others, alone\n'; \
	$(BIN)/pytest -m '$(1)' --last-failed --last-failed-no-failures none; }

.PHONY: help conformance test long proof lint docs bench hunt flake zoo clients peers interop clean

help:
	@echo 'make conformance   check the reference server; writes report/index.html'
	@echo 'make test          everything that CI runs'
	@echo 'make long          what takes too long for that; hours, on a quiet machine'
	@echo 'make proof         every fault against the suite; wants a quiet machine'
	@echo 'make lint          format, lint, types, imports, prose and stability only'
	@echo 'make docs          print the contract into docs/, build the site into site/'
	@echo 'make bench         speed and memory against what people would use instead, for the docs; wants a quiet machine'
	@echo 'make hunt          what generation finds, and how soon, for the docs; wants a quiet machine'
	@echo 'make flake         the suite on right servers with every core taken by others, twenty times, for the docs'
	@echo 'make zoo           how each hostile candidate of tests/zoo/ ends, and how soon'
	@echo 'make clients       published clients against the vectors; writes docs/clients.md'
	@echo 'make peers         the suite on published servers; writes docs/real-servers.md'
	@echo 'make interop       types for five languages from the schemas, tried with every vector, for the docs'
	@echo 'make clean         remove what these commands have made'

# The stamps say which set of packages .venv has; they are as old as the installation.
.venv/.run: pyproject.toml
	$(SAY) 'setting up .venv'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --editable '.[server]'
	@touch $@

.venv/.test: pyproject.toml
	$(SAY) 'setting up .venv with the test tools'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --editable '.[server,test,docs]'
	@touch .venv/.run $@

tests/peers/node_modules/.stamp: tests/peers/package-lock.json
	$(SAY) 'installing the independent readers of the tests'
	@npm ci --prefix tests/peers --silent --no-audit --no-fund
	@touch $@

examples/candidates/backups-express/node_modules/.stamp: examples/candidates/backups-express/package-lock.json
	$(SAY) 'installing what an example server is made with'
	@npm ci --prefix examples/candidates/backups-express --silent --no-audit --no-fund
	@touch $@

conformance: .venv/.run
	$(SAY) 'checking the reference server'
	@mkdir -p report && rm -f report/index.html
	@$(BIN)/streamvet run --reference --html report/index.html; code=$$?; \
		test ! -f report/index.html || printf '== the report is report/index.html\n'; exit $$code

test: lint .venv/.test tests/peers/node_modules/.stamp examples/candidates/backups-express/node_modules/.stamp
	$(SAY) 'docs'
	@$(BIN)/python scripts/schemas.py --check
	@$(BIN)/python scripts/docs.py --check
	@$(BIN)/mkdocs build --strict --quiet
	$(SAY) 'tests without servers'
	@$(BIN)/pytest -n 3 --dist worksteal -m 'not live' || $(call ALONE,not live)
	$(SAY) 'tests that run the suite against servers'
	@$(BIN)/pytest -n 3 --dist worksteal -m live || $(call ALONE,live)

long: .venv/.test tests/peers/node_modules/.stamp examples/candidates/backups-express/node_modules/.stamp
	$(SAY) 'the tests that take too long for CI; hours'
	@$(BIN)/pytest -m long

proof: .venv/.test
	$(SAY) 'every fault against the suite, and the proof of the proof; a quarter of an hour'
	@$(BIN)/pytest -m long tests/trust

lint: .venv/.test
	$(SAY) 'format, lint, types, imports, prose, stability'
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@MYPYPATH=scripts $(BIN)/mypy --no-error-summary scripts bench tests
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python scripts/prose.py
	@$(BIN)/python scripts/stability.py

docs: .venv/.test
	@$(BIN)/python scripts/schemas.py
	@$(BIN)/python scripts/docs.py
	@$(BIN)/mkdocs build --strict --quiet
	$(SAY) 'site/index.html'

bench/node_modules/.stamp: bench/package-lock.json
	$(SAY) 'installing what the benchmark compares with in Node'
	@npm ci --prefix bench --silent --no-audit --no-fund
	@touch $@

bench: .venv/.test bench/node_modules/.stamp
	$(SAY) 'benchmark, against what people would use instead; half an hour, on a quiet machine'
	@$(BIN)/python -m bench.judging --events 1000000 --record
	@$(BIN)/python -m bench.fanout --record
	@$(BIN)/python -m bench.growth --record
	@$(BIN)/python -m bench.precision --record
	@$(BIN)/python scripts/docs.py

hunt: .venv/.test
	$(SAY) 'the faults that only generated stimuli show, ten seeds each; an hour or two'
	@$(BIN)/python bench/generation.py

flake: .venv/.test examples/candidates/backups-express/node_modules/.stamp
	$(SAY) 'right servers on a busy machine, twenty times; an hour and a half'
	@$(BIN)/python bench/flake.py

zoo: .venv/.test
	$(SAY) 'the hostile candidates, several at once; some minutes'
	@$(BIN)/python -m tests.zoo

# The clients have an environment of their own: their versions are pinned there, and are no affair of the suite's.
examples/clients/.venv/.stamp: examples/clients/requirements.txt
	$(SAY) 'installing the published clients of Python'
	@test -x examples/clients/.venv/bin/python || $(PYTHON) -m venv examples/clients/.venv
	@examples/clients/.venv/bin/python -m pip --quiet --disable-pip-version-check install -r $<
	@touch $@

examples/clients/node_modules/.stamp: examples/clients/package-lock.json
	$(SAY) 'installing the published clients of Node'
	@npm ci --prefix examples/clients --silent --no-audit --no-fund --ignore-scripts
	@touch $@

clients: .venv/.test examples/clients/.venv/.stamp examples/clients/node_modules/.stamp
	$(SAY) 'the published clients against the vectors; some minutes'
	@$(BIN)/python scripts/client_matrix.py
	@$(BIN)/python scripts/docs.py

peers: .venv/.test
	$(SAY) 'published servers against their profiles; half an hour, and as long again to install them'
	@$(BIN)/python scripts/real_servers.py; code=$$?; $(BIN)/python scripts/docs.py; exit $$code

tests/interop/node_modules/.stamp: tests/interop/package-lock.json
	$(SAY) 'installing a generator of types'
	@npm ci --prefix tests/interop --silent --no-audit --no-fund
	@touch $@

interop: .venv/.test tests/peers/node_modules/.stamp tests/interop/node_modules/.stamp
	$(SAY) 'types for five languages; some minutes. What is not installed is skipped, and the table says why'
	@$(PIP) install --editable '.[interop]'
	@$(BIN)/python -m tests.interop; code=$$?; $(BIN)/python scripts/docs.py; exit $$code

clean:
	@rm -rf .venv site report streamvet-cases .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -rf tests/peers/node_modules tests/interop/node_modules bench/node_modules examples/candidates/*/node_modules
	@rm -rf examples/clients/node_modules examples/clients/.venv
	@rm -rf examples/peers/*/node_modules examples/peers/*/.venv examples/peers/*/root
