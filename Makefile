# make serve   sets everything up below .venv, and serves (ARGS="--config gitaly.toml" and the like are passed on)
# make test    sets everything up, and runs every check
#
# Needs Debian 12's python3 (3.11 or newer), python3-venv and git; nothing else.

VENV := .venv
PYTHON := $(VENV)/bin/python
ARGS ?=

.PHONY: serve test prepare clean help

help:
	@echo 'make serve [ARGS="--config gitaly.toml"]   set up and serve'
	@echo 'make test                                  set up and run every check'
	@echo 'make clean                                 remove what these made (never your data)'

serve: $(VENV)/.serve
	@exec $(VENV)/bin/twistd --nodaemon --pidfile= gitaly $(ARGS)

test: $(VENV)/.test
	@exec $(PYTHON) -m tests.run

$(VENV)/.python:
	@missing=; \
	command -v git >/dev/null 2>&1 || missing="$$missing git"; \
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || missing="$$missing python3(>=3.11)"; \
	python3 -c 'import venv, ensurepip' >/dev/null 2>&1 || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
		echo "gitaly_tx needs:$$missing   (Debian: apt-get install git python3 python3-venv)" >&2; exit 1; \
	fi
	@python3 -m venv $(VENV)
	@touch $@

$(VENV)/.serve: $(VENV)/.python setup.py constraints.txt
	@echo 'Setting up (once) ...'
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.python setup.py constraints.txt
	@echo 'Setting up for tests (once) ...'
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/.serve

prepare: $(VENV)/.test

clean:
	@rm -rf $(VENV) build dist *.egg-info _trial_temp* .coverage* .mypy_cache .ruff_cache .import_linter_cache
