# Two commands: `make up` and `make test`. The others are listed by `make help`.
PYTHON ?= python3
ARGS ?=
RUN = .venv/bin/python
TESTS = $(RUN) -m pytest -p tests.servers

.DEFAULT_GOAL := help
.PHONY: help up test check clean environment

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1|/p' Makefile | column -t -s '|' 2>/dev/null || \
		sed -n 's/^\([a-z]*\):[^#]*## /  make \1   /p' Makefile

up: ## install, start everything, load the demo; Ctrl-C stops it (PORT=8000)
	@$(PYTHON) config/bootstrap.py run
	@exec $(RUN) -m config.up

test: environment ## run the tests (ARGS="tests/agents -k pay")
	@$(TESTS) $(ARGS)

check: environment ## formatting, lint, types, migrations, deployment settings, architecture, docs
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m tests.servers manage.py makemigrations --check
	PUBLIC_URL=https://desk.example.com $(RUN) -m tests.servers manage.py check --deploy --fail-level WARNING
	$(TESTS) tests/test_architecture.py tests/test_docs.py

clean: ## stop the platform of this folder, forget its environment and its data
	@test ! -x $(RUN) || $(RUN) -m config.up --forget
	@rm -rf .venv .data

environment:
	@$(PYTHON) config/bootstrap.py test
