# Two commands: `make up` and `make test`. The others are listed by `make help`.
PYTHON ?= python3
ARGS ?=
SEED ?= 1
RUN = .venv/bin/python
TESTS = $(RUN) -m pytest -p tests.servers

.DEFAULT_GOAL := help
.PHONY: help up demo test check chaos test-chaos bench bench-quick bench-days picture words tables \
	requirements clean environment

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1|/p' Makefile | column -t -s '|' 2>/dev/null || \
		sed -n 's/^\([a-z-]*\):[^#]*## /  make \1   /p' Makefile

up: ## install, start everything, load the demo; Ctrl-C stops it (PORT=8000)
	@$(PYTHON) config/bootstrap.py run
	@exec $(RUN) -m config.up

demo: ## make up with simulated agents and customers, to watch
	@$(PYTHON) config/bootstrap.py run
	@exec $(RUN) -m config.up --load

test: environment ## run the tests (ARGS="tests/agents -k pay")
	@$(TESTS) -m "not chaos" -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: environment ## formatting, lint, types, migrations, deployment settings, layers, names, docs
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	.venv/bin/lint-imports --no-cache
	$(RUN) -m tests.servers manage.py makemigrations --check
	PUBLIC_URL=https://desk.example.com $(RUN) -m tests.servers manage.py check --deploy --fail-level WARNING
	$(TESTS) tests/test_architecture.py tests/test_names.py tests/test_docs.py tests/test_states.py

chaos: environment ## kill and break processes under load (FAULT=F6 SEED=1 LONG=1; 25 minutes)
	@$(RUN) -m tests.chaos --seed $(SEED) --page docs/chaos.md $(if $(FAULT),--only $(FAULT)) $(if $(LONG),--long) $(ARGS)

test-chaos: environment ## chaos with five faults (four minutes), then with planted bugs it must find
	@$(RUN) -m tests.chaos --seed $(SEED) --short --figures .data/chaos.json $(ARGS)
	@$(TESTS) -m chaos

bench: environment ## measure the live path against a rival and bare SQL, then growth (half an hour)
	@$(RUN) -m benchmarks.live_path $(ARGS)
	@$(RUN) -m benchmarks.growth

bench-quick: environment ## measure the live path at 20 and 100 a second (two minutes)
	@$(RUN) -m benchmarks.live_path --quick $(ARGS)

bench-days: environment ## simulate real days and a synthetic one with each strategy (some minutes)
	@$(RUN) -m benchmarks.days $(ARGS)

picture: environment ## retake the README's screenshot
	@$(RUN) -m tests.browser.picture docs/desk.png

words: environment ## collect the strings to translate (needs gettext)
	@$(RUN) -m tests.servers manage.py makemessages -l fr --no-location --no-obsolete \
		-i .venv -i .data -i tests -i examples -i benchmarks

tables: environment ## rewrite 0001_tables of each app from the models (before the first release)
	@for row in */migrations/0002_*.py; do mv $$row $${row%/*}/_$${row##*/} 2>/dev/null || true; done
	@rm -f */migrations/0001_tables.py
	@$(RUN) -m tests.servers manage.py makemigrations agents tickets dispatch --name tables --no-header; \
		code=$$?; for row in */migrations/_0002_*.py; do mv $$row $$(echo $$row | sed 's|/_|/|'); done; \
		exit $$code

requirements: environment ## pin the newest releases with their hashes (needs uv)
	@for name in requirements requirements-dev; do uv pip compile --universal --python-version 3.11 \
		--generate-hashes --upgrade --no-emit-index-url --custom-compile-command "make requirements" \
		--quiet $$name.in --output-file $$name.txt; done

clean: ## stop the platform of this folder, remove its environment and its data
	@test ! -x $(RUN) || $(RUN) -m config.up --forget
	@rm -rf .venv .data

environment:
	@$(PYTHON) config/bootstrap.py test
